() => {
    // Show a link to log out to a user who has logged in: reading rooms share their screens.
    window.bonefx.onPageChange(() => {
        const header = document.querySelector("header");
        if (!window.gradio_config?.username || !header || header.querySelector(".logout")) return;
        header.insertAdjacentHTML("beforeend", '<a class="logout" href="logout">Log out</a>');
    });
}
