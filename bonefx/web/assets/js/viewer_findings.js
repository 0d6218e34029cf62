() => {
    // A click on a finding in the list below a film shows it near, with the map if it was hidden.
    const { viewer } = window.bonefx;

    document.addEventListener("click", (event) => {
        const button = event.target.closest?.(".findings button"), film = button && viewer.filmOf(event);
        if (!film?.layers.length) return;
        const [left, top, right, bottom] = button.dataset.box.split(" ").map(Number);
        if (!film.viewer.matches(".with-map, .with-contour")) viewer.buttons.map(film);
        viewer.showBox(film, { left, top, right, bottom });
    });
}
