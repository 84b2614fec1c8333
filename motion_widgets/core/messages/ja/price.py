"""Prices, spending bounds and budgets."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "no_price": "モデル {model}・モード {mode} の料金がありません。モデル({models})とモード({modes})を選ぶか、独自の Prices を渡してください。",
    "prices_unreadable": "料金表 {name} を読めません({reason})。ファイルを直すか削除してください。",
    "prices_undated": '{name} に日付がありません。先頭に date = "2026-10"(料金を確認した時期)を書いてください。',
    "prices_shape": "{name} のモデルの表の外に {found} があります。[model] を 1 行に書き、その下に mode = 料金 を書いてください。",
    "prices_wrong": "{name} は {cell} の料金を {found} としています。1 秒あたりの正の USD 額にしてください。その行を直してください。",
    "budget_used_up": "次のジョブには最大 {price} かかりますが、{name} の予算は {limit} のうち {left} しか残っていません。予算を増やして再実行してください。何も送信していません。",
    "person_budget_used_up": '最大 {price} かかりますが、{name} の予算は {limit} のうち {left} しか残っていません。ws.set_budget({more}, "{name}") で増やすか、短い動画を使ってください。何も送信していません。',
    "person_wrong": "「{found}」は名前に使えません。1 行で 1～{most} 文字にしてください(MOTION_WIDGETS_USER)。",
    "since_wrong": "「{found}」は開始日として使えません。2026-11-01 のように、今日までの日付にしてください。",
    "own_budget": "あなたの予算 {limit} のうち残り {left}",
    "own_budget_missing": "あなたの予算では {usd} 足りません。",
    "own_budget_open": "あなたの上限なし・使用済み {used}",
    "budget_line": "{person}：{endpoint} で {limit} のうち {used} 使用済み{since}",
    "budget_since": "({when} 以降)",
    "budget_no_limit": "上限なし",
    "budget_none": "ここには誰の予算もありません。motion-widgets budget NAME USD で設定してください。",
    "bound_missing": "実際に {price} かかります。max_cost={high} で承認してください(スイープでは budget=)。",
    "bound_huge": "数千桁の数値",
    "bound_wrong": "{found} は USD の金額ではありません。0.50 のような数値にしてください。",
    "bound_small": "{price} かかりますが、使えるのは最大 {bound} です。上限を {high} に上げるか、短い動画を使ってください。",
}
