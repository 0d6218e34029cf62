() => {
    // Set the names and roles for screen readers that gradio cannot set from Python.
    const ATTRIBUTES = [
        ["#verdict", "aria-live", "polite"],
        ["#film button", "aria-label", "Drop a film or choose a file"],
        ["#point", "aria-label", "Operating point"],
        ["#model", "aria-label", "Model"],
        ["#judgement", "aria-label", "Do you agree with the verdict?"],
        ["#caution", "aria-live", "polite"],
        ["#list-caution", "aria-live", "polite"],
        ["#compare-sides", "aria-live", "polite"],
        ["#compare-film button", "aria-label", "Drop a film or choose a file"],
        ["#compare-models", "aria-label", "Models to compare"],
        ["#card-model", "aria-label", "Model"],
        ["#films button", "aria-label", "Drop films, folders or zip archives, or choose films"],
        ["#folder button", "aria-label", "Choose a folder"],
        ["#list-model", "aria-label", "Model"],
        ["#list-point", "aria-label", "Operating point"],
        ["#film input[type=file]", "multiple", ""],
    ];
    document.documentElement.lang = "en";
    window.bonefx.onPageChange(() => {
        for (const [selector, name, value] of ATTRIBUTES) {
            const element = document.querySelector(selector);
            if (element && element.getAttribute(name) !== value) element.setAttribute(name, value);
        }
    });
}
