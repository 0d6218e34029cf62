(settings) => {
    // Show why an upload failed. A proxy may refuse it; gradio would then show the proxy's own page
    // and wait without end.
    const upload = { screen: null };  // the screen that a film is being sent to; null for a worklist
    const showFailure = (screen, reason) => {
        document.documentElement.dataset.notSent = reason;
        document.querySelector(`#${screen}refused`).click();
    };
    const closeUploadStatus = () =>
        document.querySelectorAll(".clear-status button").forEach((button) => button.click());
    const browserFetch = window.fetch;
    window.fetch = async (...args) => {
        const address = String(args[0]?.url ?? args[0]);
        if (!/\/gradio_api\/upload(\?|$)/.test(address)) return browserFetch(...args);
        const response = await browserFetch(...args).catch(() => null);
        if (response?.ok) return response;
        const status = String(response?.status ?? ""), messages = settings.upload_failures;
        if (upload.screen !== null) showFailure(upload.screen, status);
        setTimeout(closeUploadStatus, 500);  // else gradio takes no further file
        return new Response(messages[status] ?? messages[""], { status: response?.status ?? 503 });
    };
    Object.assign(window.bonefx, { upload, showFailure });
}
