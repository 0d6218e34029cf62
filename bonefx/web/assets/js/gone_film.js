// Open the film on the page again, the way it came, when the server no longer has it.
const button = element.querySelector("button");
const screen = element.closest("[id$=load-again]").id.replace(/load-again$/, "");
const openAgain = {
    upload: () => window.bonefx.sendAgain(screen),
    example: ({ index }) => document.querySelectorAll(`#${screen}examples button`)[index].click(),
    row: () => document.dispatchEvent(new Event("open-row-again")),  // to film_navigation.js
};
const draw = () => { button.hidden = !props.value.gone; };
button.addEventListener("click", () => openAgain[props.value.kind](props.value));
watch("value", draw);
draw();
