"""Results and inputs on a team's shared path."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "shared_wrong": "「{found}」はチームで共有できるパスではありません。s3://bucket/team や file:///mnt/team のような fsspec のアドレスを使ってください。",
    "shared_none": "共有パスが設定されていません。shared= を付けてワークスペースを開くか、MOTION_WIDGETS_SHARED を設定してください。",
    "shared_outside": "ログにある {name} は、ワークスペースの結果でも入力でもありません。触れていません。その行を書いた人に尋ねてください。",
    "shared_down": "{place} が {name} を受け付けません({reason})。このフォルダーに安全に保存されており、使えるようになりしだいコピーします。",
    "shared_unread": "{place} から {name} を取得できません({reason})。接続と認証情報を確かめて、やり直してください。",
    "shared_other": "{place} には {name} という別のファイルがあります。上書きしていません。そちらを移動してください。手元のファイルは安全で、その後コピーします。",
    "shared_changed": "{name} がログと一致しないため、共有パスに置きませんでした。元のファイルに戻してください。",
    "shared_missing": "{name} はここにも {place} にもありません。作成したワークスペースを開いてもらってください。",
    "shared_broken": "{place} の {name} はログと一致しないため使いませんでした。そこから移動してください。元のファイルを持つ人が ws.share(everything=True) で復元できます。",
    "shared_not_yet": "{name} はまだ {place} にありません。{person} のワークスペースが開かれ、そのパスに接続できるようになると届きます。",
    "shared_left": "{count} 件のファイルを共有パスに置けませんでした({done} 件は完了)。{first}",
    "shared_done": "{count} 件のファイルを {place} にコピーしました。",
    "known_unshared": "結果はまだ共有パスにありません。",
    "shared_absent": "ここにありません",
    "shared_fetching": "{place} からダウンロード中…",
    "shared_garbled": "届いたデータが送られたものと異なります",
}
