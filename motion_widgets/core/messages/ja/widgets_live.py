"""Going live and back, and the key for it."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "live_about": "LIVE では {host} にリクエストを送り、実際の料金がかかります。ここのボタンか、料金を示すボタンを押すまで、何も送信しません。",
    "live_hosting": "エンドポイントは公開リンクから素材を取得します。ローカルの画像は自動でアップロードされますが(リンクは 72 時間有効)、ローカルの動画はされません。先に動画の公開先を選ぶか、署名付きリンクのオブジェクトストレージなど、公開の https リンクに置いてください。",
    "live_money": "このツールキットは本番サービスで試されたことがありません。まず短い std のジョブを 1 つ実行し、請求額を見積もりと比べてください。",
    "live_key": "API キー",
    "live_key_hint": "キーを貼り付けると、この欄からすぐに消えます",
    "live_keep": "キーをこのマシンのキーリングに保存(しない場合はこのカーネルの間だけ)",
    "live_no_key": "キーがまだありません。貼り付けるか、カーネルの起動前に {variable} を設定してください。",
    "live_key_typed": "キーが入力されました。このカーネルだけが保持し、表示することはありません。",
    "live_key_environment": "{variable} にキーがあります。LIVE に切り替えたときだけ使います。",
    "live_key_keyring": "このマシンのキーリングにキーがあります。LIVE に切り替えたときだけ使います。",
    "live_balance": "残高を確認(無料)",
    "live_balance_is": "アカウントの残高は {usd} です。",
    "live_balance_open": "エンドポイントによれば、このキーに上限はありません。",
    "live_forget": "保存したキーを削除",
    "live_forget_later": "SANDBOX に戻るまで、このカーネルはキーを使い続けます。",
    "live_go": "LIVE に切り替え",
    "live_back": "SANDBOX に戻る",
    "live_now": "このワークスペースは LIVE になりました。料金のかかるボタンには必ず LIVE と料金が表示されます。",
    "live_now_unkept": "このワークスペースは LIVE になりました。キーリングに保存できなかったため、キーはこのカーネルだけが保持します。",
    "sandbox_now": "このワークスペースは SANDBOX に戻りました。このマシンの外には何も送られません。",
}
