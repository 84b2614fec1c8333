"""A workspace's folder, its inputs, and packing it into one file."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "balance_slow": "エンドポイントは {seconds:g} 秒以内に残高を返しませんでした。少し待ってからもう一度お試しください。",
    "bundle_folder": "{name} は空ではありません。新しいフォルダーに展開するか、motion-widgets log merge で統合してください。",
    "bundle_wrong": "{name} はパックしたワークスペースではないか、パック後に変更されています({what})。パックまたはコピーし直してください。何も展開していません。",
    "bundle_newer": "{name} の形式は {found} ですが、この版の motion-widgets が扱えるのは {known} までです。motion-widgets を更新してください。何も展開していません。",
    "bundle_large": "{name} を展開すると {mb:,.0f} MB になり、ディスクの空きを超えます。空きを増やすか、別の場所を選んでください。",
    "bundle_bomb": "{name} は展開すると {ratio} 倍を超えるか、{most} TB を超えます。パックしたワークスペースではありえません。送り主に確かめてください。何も展開していません。",
    "bundle_left_out": "{file} は名前と中身(動画・画像・サイドカー)が一致しないため、省きました。",
    "bundle_packed": "パックしました：{path}({mb:,.1f} MB)。ログ・結果・入力を含みますが、キーは含みません。",
    "bundle_lacks": "ジョブが使う {count} 件のファイルがここにないため、パックにも含まれません。motion-widgets log check で一覧できます。",
    "bundle_unpacked": '{path} に展開しました：ジョブ {jobs} 件。Workspace("{path}") で開けます。',
    "folder_unwritable": "{name} に書き込めません({reason})。別のフォルダーを選んでください。何も送信していません。",
    "choices_foreign": "{name} はこのマシンであなたが書いたものではないか、フォルダーが移動されたため、その設定(本番のエンドポイント・公開先・同意・料金)は無効です。フォルダーは新規として SANDBOX で開きます。Studio か ws.switch(...)、ws.publish_to、ws.consent() で選び直してください。元のファイルは {kept} として残ります。",
    "prices_foreign": "{name} は今の内容が承認されていないため無効で、motion-widgets に付属する {date} の料金を使います。内容を確かめてから motion-widgets prices --accept か ws.accept_prices() を実行してください。",
    "folder_link": '{name} はフォルダーの外の {target} へのリンクです。誰かが送ったフォルダーかもしれず、あなたのファイルが読まれたり上書きされたりするおそれがあるため、開きませんでした。リンクを削除してください。自分のリンクなら、リンクなしでフォルダーを開き、ws.switch("sandbox") で選んでから、リンクを作り直してください。',
    "workspace_closed": "ワークスペース {name} は閉じられています。Workspace(...) で開き直してください。",
    "workspace_forked": "ワークスペース {name} は、このプロセスの分岐前に開かれ、親プロセスが使い続けています。ジョブの送信や追跡には、ここでも Workspace(...) で開いてください。何も送信していません。",
    "input_kind": "{name} は動画でも画像でもなく {found} のようなので、コピーを保存しません。別のファイルを選んでください。何も送信していません。",
    "input_missing": "このジョブの計画時の {name} のコピーがここにないか、変わっています。新しいリクエストでファイルを選び直してください。何も送信していません。",
    "library_unreadable": "ライブラリ {name} を読めません({reason})。読み取れるフォルダーにしてください。",
    "input_unreadable": "{name} を読めません({reason})。ファイルを選び直してください。何も送信していません。",
    "input_changed": "{name} は計測後に変わっています。計測または計画し直してください。何も送信していません。",
    "view_foreign": "前回開いていた内容は復元していません。{name} が壊れているか、ここであなたが書いたものではありません。次の変更で置き換わります。",
    "account_silent": "アカウントから請求額の回答がありません。請求がなかったという意味ではありません。{reason}",
    "account_not_charged": "ログで説明できない請求はないため、このジョブはおそらく請求されていません。結果が必要なら再送信し、不要なら損失処理してください。",
    "account_fresh": "この分の請求はまだ見当たりません。請求は {minutes} 分ほど遅れることがあります。その後でもう一度確認してください。",
    "account_charged": "ログで説明できない請求が {more} あり、このジョブ({price})と一致するため、請求されています。提供元のコンソールにタスクがあれば追跡し、なければ損失処理してください。",
    "account_unclear": "ログで説明できない請求が {more} あります。このジョブ({price})の分かもしれませんが、料金不明のほかの {others} 件のジョブか、別のプログラムの分かもしれません。",
}
