"""What a shared page does not do."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "visitor_head": "共有デモ：使うのは SANDBOX だけで、料金はかかりません。ファイルはページを閉じると削除されます。",
    "visitor_endpoint": "共有ページのため、ここでは SANDBOX だけを使います。本番で使うには自分の JupyterLab でノートブックを開くか、他の人が開かないページなら Workspace(visitor=False) としてください。",
    "visitor_elsewhere": "共有ページのため log= と shared= は使えません。訪問者ごとのログとファイルは専用フォルダーに置かれます。省略するか、他の人が開かないページなら Workspace(visitor=False) としてください。",
    "visitor_place": "共有ページのため、ここからは何も公開しません。SANDBOX はローカルのファイルをそのまま受け取ります。",
    "visitor_file": "「{name}」はこの共有ページでのあなたのファイルではありません。サンプルを選ぶか、ボタンで自分のディスクのファイルを選んでください。",
    "visitor_no_room": "共有ページですが、訪問者用の一時ファイルの場所がありません({reason})。運営者に知らせてください。",
    "visitor_full": "「{name}」を加えると、この共有ページのファイルが {limit} MB を超えます。ページを開き直してください。",
}
