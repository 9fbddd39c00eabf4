"""Draw the still pictures of the instruments, which stand where no script runs.

    python -m tools.stills

It needs Chromium (CHROMIUM, or chromium on the path). Each instrument draws itself, with its
settings as they are at first, 640 pixels wide; the drawing is stored with the light page's colors.
"""

import os
import shutil
import sys

from playwright.sync_api import sync_playwright

from rnnbook.show import instruments

STILLS = instruments.FOLDER / "stills"
# XML that stands alone: the drawing with its style inside.
DRAWING = """style => {
    const drawing = document.querySelector('.rnn-live svg.rnn-drawing');
    if (!drawing) return '';
    const sheet = document.createElementNS(drawing.namespaceURI, 'style');
    sheet.textContent = style;
    drawing.prepend(sheet);
    return new XMLSerializer().serializeToString(drawing);
}"""
PAGE = '<!doctype html><html lang="en"><title>An instrument</title><body style="width:674px">'


def drawn(browser, name):
    """Return what an instrument draws at first, as a file of its own; "" if it draws nothing."""
    page = browser.new_page(viewport={"width": 800, "height": 900}, reduced_motion="reduce")
    page.set_default_timeout(120_000)  # a ceiling, for a busy machine
    heavy = {"embed": True} if instruments.catalog()[name].get("weights") else {}
    page.set_content(PAGE + instruments.as_html(name, **heavy))
    if heavy:
        page.get_by_role("button", name="Load").click()
    drawing = page.evaluate(DRAWING, instruments.drawing_style(instruments.LIGHT))
    page.close()
    return drawing


def main():
    """Draw those that draw themselves."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for name in instruments.catalog():
            if drawing := drawn(browser, name):
                (STILLS / f"{name}.svg").write_text(drawing + "\n", encoding="utf-8", newline="\n")
                sys.stdout.write(f"{name}: {len(drawing)} bytes\n")
        browser.close()


if __name__ == "__main__":
    main()
