() => {
    // A large film is sent reduced. Where it is shown larger than that, ask the server for the visible
    // part at full resolution, and lay it over the film; drop it where it is no longer needed.
    const SETTLE_MS = 150, PATIENCE_MS = 15000, MARGIN = 0.25;
    const { viewer } = window.bonefx;
    const { clamp, dropLayer, followers, newLayer, paintSoon, scaleOf, toBitmap, toFilm } = viewer;
    let asked = null;  // the request that the server has not answered: its film and box

    const reductionOf = (film) => film.layers[0].context.canvas.width / film.size.width;
    const isMagnified = (film) => scaleOf(film) > reductionOf(film) * 1.001;
    const visibleBox = (film) => {
        const stage = film.stages[0], box = stage.getBoundingClientRect();
        const from = toFilm(film, stage, box.left, box.top), to = toFilm(film, stage, box.right, box.bottom);
        return { left: from.x, top: from.y, right: to.x, bottom: to.y };
    };
    const withMargin = (film, { left, top, right, bottom }) => {
        const x = MARGIN * (right - left), y = MARGIN * (bottom - top), { width, height } = film.size;
        return {
            left: Math.floor(clamp(left - x, 0, width - 1)), top: Math.floor(clamp(top - y, 0, height - 1)),
            right: Math.ceil(clamp(right + x, 1, width)), bottom: Math.ceil(clamp(bottom + y, 1, height)),
        };
    };
    // The part that the screen shows, or that the magnifier shows of a film that is not zoomed.
    const wantedBox = (film) => {
        if (!film.layers.length || !film.opening || reductionOf(film) >= 1 || film.partsFailed) return null;
        return isMagnified(film) ? visibleBox(film) : film.lensBox ?? null;
    };
    const covers = (part, film, box) => part
        && part.left <= Math.max(0, box.left) && part.top <= Math.max(0, box.top)
        && part.left + part.width >= Math.min(film.size.width, box.right)
        && part.top + part.height >= Math.min(film.size.height, box.bottom);

    const dropPart = (film) => film.layers.splice(1).forEach(dropLayer);
    const follow = (film) => {
        const box = wantedBox(film);
        if (!box) dropPart(film);
        for (const stage of film.stages)
            stage.classList.toggle("with-part", film.layers.length > 1 && isMagnified(film));
        clearTimeout(film.partTimer);
        if (box && !covers(film.layers[1], film, box))
            film.partTimer = setTimeout(() => ask(film), SETTLE_MS);
    };
    const ask = (film) => {
        const box = wantedBox(film);
        if (!box || !film.viewer.isConnected || covers(film.layers[1], film, box)) return;
        if (asked && Date.now() - asked.since < PATIENCE_MS) return;  // its answer asks again
        asked = { film, since: Date.now(), box: withMargin(film, box) };
        const screen = film.viewer.closest("#compare") ? "compare-" : "";
        document.querySelector(`#${screen}part`).click();
    };
    const showPart = async (answer) => {
        const film = asked?.film;
        asked = null;
        const now = viewer.shownFilm();
        if (now && now !== film) viewer.changed(now);  // it had to wait for this answer
        if (!film?.viewer.isConnected || answer?.view !== film.view) return;  // the next move asks again
        if (answer.why) tellWhy(film, answer.why);
        else if (answer.url) await drawPart(film, answer);
    };
    const tellWhy = (film, why) => {
        film.partsFailed = true;
        const notice = film.viewer.querySelector(".reduced");
        if (notice) notice.textContent = why;
    };
    const drawPart = async (film, { left, top, url }) => {
        const image = new Image();
        image.src = url;
        await image.decode();
        const bitmap = await toBitmap(image), { width, height } = bitmap;
        if (!film.viewer.isConnected || !wantedBox(film)) return;
        film.layers[1] = newLayer(film, "part", bitmap, { left, top, width, height });
        paintSoon(film);
    };
    followers.push(follow);
    Object.assign(viewer, {
        showPart,
        partRequest: () => ({ view: asked.film.view, ...asked.box }),
    });
}
