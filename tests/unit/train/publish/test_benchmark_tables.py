"""Tables of the benchmarks of the program, from the JSON that they print."""

from train.publish.card import render_decoding, render_serve

LATE = {"n": 0, "films_per_s": 0.0, "latency_s": {"p50": None, "p95": None, "p99": None}}
READ = {"n": 31, "films_per_s": 1.034, "latency_s": {"p50": 0.912, "p95": 1.4, "p99": 1.75}}


def test_each_number_of_clients_has_a_row_with_its_latencies_and_errors():
    table = render_serve({
        "clients": [
            {"clients": 1, "errors": {}, **READ},
            {"clients": 64, "errors": {"AppError": 3, "TimeoutError": 1}, **LATE},
        ],
        "beside_a_list": {"lists": 2, "errors": {}, **READ},
        "start_s": {"page": 9.2, "first_answer": 11.4}, "memory_mb": 1290.4, "cores": 2,
    })  # fmt: skip
    lines = table.splitlines()
    assert "| 1 | 31 | 1.03 | 0.91 | 1.40 | 1.75 | none |" in lines
    assert "| 64 | 0 | 0.00 | - | - | - | 3 AppError, 1 TimeoutError |" in lines
    assert "| 1, beside a list of films | 31 | 1.03 | 0.91 | 1.40 | 1.75 | none |" in lines
    assert "first film is read after 11 s" in table
    assert "1290 MiB" in table


def test_decoding_states_the_difference_with_its_interval():
    difference = {"value": 8.46, "low": 6.0, "high": 11.84}
    row = {"here": 5.0, "outside": 13.46, "difference": difference, "files": 8, "rounds": 20}
    table = render_decoding({"films": {"examples": row}})
    assert "| examples (8, 20 rounds) | 5.0 | 13.5 | 8.5 (6.0 to 11.8) |" in table.splitlines()
