() => {
    // Close the messages about a film when the next one is opened, or the film is read again.
    const opening = "#viewer .opening";
    let known = null;
    window.bonefx.onPageChange(() => {
        const sign = document.querySelector(opening);
        if (sign && sign !== known)
            document.querySelectorAll(".toast-close").forEach((button) => button.click());
        known = sign;
    });
}
