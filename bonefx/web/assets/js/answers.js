() => {
    // Keep one stream of answers for the life of the page. The server ends its stream once all
    // events are answered. Gradio stops listening then, and an event that was accepted while the end
    // was on its way would never be answered: the page would say "Reading" for ever. So gradio does
    // not see the end; the page connects again when an event waits for its answer.
    // This script stands in the head of the page: it must come before gradio's first request.
    const JOIN = /\/gradio_api\/queue\/join(\?|$)/, ANSWERS = /\/gradio_api\/queue\/data(\?|$)/;
    const END = "close_stream", ANSWERED = "process_completed", BROKEN = "broken_connection";
    const NEWLINE = 10, LONGEST_START = 200;  // bytes in which a message names itself and its event
    const waiting = new Set();  // ids of accepted events without an answer
    const early = new Set();  // ids of answered events whose acceptance has not arrived
    const stream = { request: null, controller: null, connected: false };
    const browserFetch = window.fetch;

    const startOf = (chunks) => {  // a line is often split, at any byte
        let start = "";
        for (const chunk of chunks) {
            start += new TextDecoder().decode(chunk.subarray(0, LONGEST_START - start.length));
            if (start.length >= LONGEST_START) break;
        }
        return start;
    };
    // Pass a line of the stream on, given as chunks of bytes; return whether it is the end.
    const pass = (chunks) => {
        const start = startOf(chunks);
        const [, message] = start.match(/^data: ?{"msg": ?"(\w+)"/) ?? [];
        if (message === END) return true;
        if (message === ANSWERED) {
            const [, id] = start.match(/"event_id": ?"(\w+)"/) ?? [];
            if (!waiting.delete(id)) early.add(id);
        }
        chunks.forEach((chunk) => stream.controller.enqueue(chunk));
        return false;
    };
    const read = async (answer) => {
        if (!answer.ok) throw new Error(`status ${answer.status}`);
        const reader = answer.body.getReader();
        let line = [], ended = false;
        for (let { value, done } = await reader.read(); !done; { value, done } = await reader.read()) {
            for (let end = value.indexOf(NEWLINE); end >= 0; end = value.indexOf(NEWLINE)) {
                ended = pass([...line, value.subarray(0, end + 1)]) || ended;
                [line, value] = [[], value.subarray(end + 1)];
            }
            if (value.length > 0) line.push(value);
        }
        if (!ended) throw new Error("the stream of answers broke");
    };
    const tellBroken = () => {
        const message = JSON.stringify({ msg: BROKEN, message: "Connection errored out." });
        stream.controller.enqueue(new TextEncoder().encode(`data: ${message}\n\n`));
    };
    const connect = async () => {
        if (stream.connected || stream.request === null || waiting.size === 0) return;
        stream.connected = true;
        const { request } = stream;
        try {
            await read(await browserFetch(request.clone()));
        } catch (error) {
            waiting.clear();
            if (!request.signal.aborted) {  // gradio itself does not listen any more
                console.error(error);
                tellBroken();
            }
        } finally {
            stream.connected = false;
        }
        connect();
    };
    const openStream = (request) => {
        const body = new ReadableStream({
            start: (controller) => Object.assign(stream, { request, controller }),
        });
        connect();
        return new Response(body, { headers: { "Content-Type": "text/event-stream" } });
    };
    const noteAccepted = async (answer) => {
        if (!answer.ok) return answer;
        const { event_id: id } = await answer.clone().json();
        if (!early.delete(id)) waiting.add(id);
        connect();
        return answer;
    };
    window.fetch = async (...args) => {
        const address = String(args[0]?.url ?? args[0]);
        if (ANSWERS.test(address)) return openStream(new Request(...args));
        const answer = await browserFetch(...args);
        return JOIN.test(address) ? noteAccepted(answer) : answer;
    };
}
