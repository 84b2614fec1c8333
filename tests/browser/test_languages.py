"""A browser that speaks Japanese gets the Studio in Japanese, which nobody asked for in the notebook."""

from __future__ import annotations

from typing import TYPE_CHECKING

from playwright.sync_api import expect

from tests.browser._lab import WIDE, axe, guarded_page, narrow, shot

if TYPE_CHECKING:
    from playwright.sync_api import Browser

    from tests.browser._lab import Voila

CELLS = [
    "import motion_widgets as mw",
    "ws = mw.Workspace('japanese', endpoint='sandbox', visitor=False)\nmw.Studio(ws)",
]


def test_a_japanese_browser_gets_a_studio_in_japanese(browser: Browser, voila: Voila) -> None:
    context = browser.new_context(locale="ja-JP", viewport=WIDE, reduced_motion="reduce")
    page = guarded_page(context)
    voila.open(page, voila.write_notebook("japanese/studio", CELLS))
    root = page.locator(".motion-widgets").first
    expect(root.get_by_role("tab", name="作成")).to_be_visible()
    expect(root).to_have_attribute("lang", "ja")
    expect(page.get_by_role("tab", name="Create")).to_have_count(0)
    expect(root.get_by_text("画像のキャラクターが、動画の人物のとおりに動きます。")).to_be_visible()
    expect(root.get_by_role("button", name="サンプルで試す")).to_be_visible()
    shot(page, "studio-japanese", ".motion-widgets")
    axe(page, ".motion-widgets")
    narrow(page)
    shot(page, "studio-japanese-narrow", ".motion-widgets")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "no sideways scrolling"
    context.close()
