/**
 * The keyboard and the pointer of an editable combobox with a list (ARIA Authoring Practices 1.2):
 * the focus stays in the input, and `aria-activedescendant` names the option that Enter takes.
 */

/**
 * Connects an input with its listbox. `choose` is called with an option's number, `open` when the
 * shopper asks for the list, `closed` whenever it closes.
 */
export function connectCombobox(input, list, { choose, open, closed }) {
  const options = () => [...list.querySelectorAll("[role=option]")];
  const active = () => options().findIndex((option) => option.getAttribute("aria-selected") === "true");

  const activate = (number) => {
    options().forEach((option, i) => option.setAttribute("aria-selected", String(i === number)));
    const option = options()[number];
    if (option) input.setAttribute("aria-activedescendant", option.id);
    else input.removeAttribute("aria-activedescendant");
    option?.scrollIntoView({ block: "nearest" });
  };

  const show = () => {
    list.hidden = false;
    list.scrollTop = 0;
    input.setAttribute("aria-expanded", "true");
    activate(-1);
  };

  const close = () => {
    list.hidden = true;
    input.setAttribute("aria-expanded", "false");
    activate(-1);
    closed();
  };

  /** To the next option or the one before; beyond either end is the input itself. */
  const step = (by) => {
    const places = options().length + 1;
    activate(((active() + 1 + by + places) % places) - 1);
  };

  const keys = {
    ArrowDown: (event) => (list.hidden ? open() : event.altKey || step(1)),
    ArrowUp: (event) => (event.altKey ? close() : !list.hidden && step(-1)),
    Escape: () => close(),
    Enter: () => choose(active()),
  };

  input.addEventListener("keydown", (event) => {
    if (event.isComposing || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const wanted = { Escape: !list.hidden, Enter: !list.hidden && active() >= 0 }[event.key] ?? event.key in keys;
    if (!wanted) return;
    event.preventDefault();
    keys[event.key](event);
  });
  // The input keeps the focus, so a press on an option must not take it.
  list.addEventListener("pointerdown", (event) => event.preventDefault());
  list.addEventListener("mousedown", (event) => event.preventDefault());
  list.addEventListener("pointermove", (event) => {
    const number = options().indexOf(event.target.closest("[role=option]"));
    if (number >= 0 && number !== active() && event.pointerType === "mouse") activate(number);
  });
  list.addEventListener("click", (event) => {
    const number = options().indexOf(event.target.closest("[role=option]"));
    if (number >= 0) choose(number);
  });
  input.addEventListener("blur", close);
  return { show, close };
}
