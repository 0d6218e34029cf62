() => {
    // Films of a case that hang side by side: with "Window and zoom together", what the user sets on one
    // of them holds for all. Zoom and position count from the fitted film.
    const { viewer } = window.bonefx;
    const { followers, layOut, setWindow, shownFilms } = viewer;
    const VIEW = ["zoom", "x", "y"], WINDOW = ["level", "width", "inverted"];
    const seen = new WeakMap();  // the settings of each film when it was drawn last
    let linking = false;
    const linked = () => document.querySelector("#linked input")?.checked;
    const settingsOf = (film) => Object.fromEntries([...VIEW, ...WINDOW].map((name) => [name, film[name]]));
    const differ = (names, one, other) => names.some((name) => one[name] !== other[name]);

    const copyView = (film, other) => {
        const from = film.stages[0], to = other.stages[0];
        Object.assign(other, {
            zoom: film.zoom, exact: false,
            x: (film.x * to.clientWidth) / from.clientWidth, y: (film.y * to.clientHeight) / from.clientHeight,
        });
        layOut(other);
    };
    const copyWindow = (film, other) => {
        setWindow(other, film.level, film.width);
        if (other.inverted !== film.inverted) viewer.buttons.invert(other);
    };
    followers.push((film) => {
        const before = seen.get(film), now = settingsOf(film);
        seen.set(film, now);
        const hung = shownFilms();
        if (linking || !before || !linked() || hung.length < 2 || !hung.includes(film)) return;
        const copies = [];
        if (differ(VIEW, before, now)) copies.push(copyView);
        if (before.level !== undefined && differ(WINDOW, before, now)) copies.push(copyWindow);
        linking = true;
        for (const other of hung.filter((one) => one !== film && one.layers.length)) {
            copies.forEach((copy) => copy(film, other));
            seen.set(other, settingsOf(other));
        }
        linking = false;
    });
}
