"""Tables of the benchmarks of the program, from the JSON that they print."""

from train.publish.card import render_decoding, render_screen, render_serve, render_soak

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


def test_the_screen_states_each_wait_in_seconds_with_its_interval():
    waits = {
        "verdict": {"value": 712.4, "low": 684.9, "high": 719.0},
        "film": {"value": 781.0, "low": 752.2, "high": 803.3},
        "second": {"value": 3880.0, "low": 3700.0, "high": 3930.0},
    }
    row = {"rounds": 5, "from_upload_ms": waits}
    table = render_screen({
        "films": {"a fracture": {**row, "map": True}, "none": {**row, "map": False}}, "cores": 2
    })  # fmt: skip
    figures = "0.71 (0.68 to 0.72) | 0.78 (0.75 to 0.80) | 3.88 (3.70 to 3.93) |"
    assert f"| a fracture, with a map | {figures}" in table.splitlines()
    assert f"| none | {figures}" in table.splitlines()
    assert "2 cores; 5 rounds" in table


def test_the_soak_counts_each_end_of_a_request():
    text = render_soak({
        "requests": 1000, "clients": 16, "ends": {"right": 998, "wrong": 2},
        "requests_per_s": 0.514, "cores": 2,
        "memory_mb": {"after_a_tenth": 2401.2, "after_all": 2450.8},
    })  # fmt: skip
    assert "998 right, 2 wrong" in text
    assert "2401 MiB after the first tenth, 2451 MiB at the end" in text
