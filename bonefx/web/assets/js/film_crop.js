() => {
    // Crop the film on Read: press Crop, then draw a rectangle on it; Escape or Crop again ends it.
    // It runs before viewer_gestures.js, whose drag would move the film.
    const SMALLEST_PX = 8;  // on screen; a shorter drag is a click
    const crop = { on: false, stage: null, from: null, frame: null };
    const button = () => document.querySelector("#crop");
    const switchTo = (on) => {
        crop.on = on;
        crop.frame?.remove();
        crop.stage = crop.from = crop.frame = null;
        button()?.setAttribute("aria-pressed", on);
        document.querySelector("#viewer")?.classList.toggle("cropping", on);
    };
    // A point of the screen as shares of the film's width and height.
    const onFilm = (event) => {
        const svg = crop.stage.querySelector("svg"), { width, height } = svg.viewBox.baseVal;
        const point = new DOMPoint(event.clientX, event.clientY)
            .matrixTransform(svg.getScreenCTM().inverse());
        const share = (value) => Math.min(1, Math.max(0, value));
        return { x: share(point.x / width), y: share(point.y / height) };
    };
    const draw = (to) => {
        const { width, height } = crop.stage.querySelector("svg").viewBox.baseVal;
        const { x, y } = crop.from;
        const edges = {
            x: width * Math.min(x, to.x), y: height * Math.min(y, to.y),
            width: width * Math.abs(x - to.x), height: height * Math.abs(y - to.y),
        };
        for (const [name, value] of Object.entries(edges)) crop.frame.setAttribute(name, value);
    };
    const finish = (event) => {
        const { from, start } = crop, to = onFilm(event);
        switchTo(false);
        const drag = Math.min(Math.abs(event.clientX - start.x), Math.abs(event.clientY - start.y));
        if (drag < SMALLEST_PX) return;
        const edges = [Math.min(from.y, to.y), Math.min(from.x, to.x),
            Math.max(from.y, to.y), Math.max(from.x, to.x)];
        document.documentElement.dataset.crop = edges.join(",");
        document.querySelector("#cropped").click();
    };
    const only = (event) => { event.preventDefault(); event.stopImmediatePropagation(); };

    document.addEventListener("click", (event) => {
        if (event.target.closest?.("#crop")) switchTo(!crop.on);
        else if (event.target.closest?.("#changes")) switchTo(false);
    });
    document.addEventListener("film-tool", () => { if (crop.on) switchTo(false); });
    document.addEventListener("keydown", (event) => {
        if (event.key === "Escape" && crop.on) switchTo(false);
    });
    document.addEventListener("pointerdown", (event) => {
        const stage = event.target.closest?.("#viewer .stage");
        if (!crop.on || !stage || crop.stage) return;
        only(event);
        crop.stage = stage;
        crop.start = { x: event.clientX, y: event.clientY };
        crop.from = onFilm(event);
        crop.frame = document.createElementNS("http://www.w3.org/2000/svg", "rect");
        crop.frame.setAttribute("class", "crop");
        stage.querySelector("svg").append(crop.frame);
        stage.setPointerCapture(event.pointerId);
    });
    document.addEventListener("pointermove", (event) => {
        if (!crop.stage) return;
        only(event);
        draw(onFilm(event));
    });
    document.addEventListener("pointerup", (event) => {
        if (!crop.stage) return;
        only(event);
        finish(event);
    });
    document.addEventListener("pointercancel", () => { if (crop.stage) switchTo(false); });
    // The next film starts without the rectangle of the one before.
    window.bonefx.onPageChange(() => {
        if (crop.stage && !crop.stage.isConnected) switchTo(false);
    });
}
