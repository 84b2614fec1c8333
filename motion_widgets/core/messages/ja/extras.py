"""What needs an extra that is not installed."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "awake_missing": '取得し終えるまでスリープさせないでください。pip install "motion-widgets[awake]" で自動化できます。',
    "excel_missing": 'Excel ファイルの書き出しには openpyxl が必要ですが、入っていません。pip install "motion-widgets[excel]" を実行するか、to_csv(path, excel=True) を使ってください。',
    "flow_missing": '動きの向きの測定には OpenCV が必要ですが、入っていません。pip install "motion-widgets[flow]" を実行してください。ほかの測定はなくても使えます。',
    "heic_missing": '「{name}」は HEIC で、未インストールのパッケージが必要です。セルで %pip install "motion-widgets[heic]" を実行して選び直すか、JPEG で保存してください。',
    "keyring_missing": 'キーリングには未インストールのパッケージが必要なため、キーの保存も削除もしていません。pip install "motion-widgets[keyring]" を実行してから、もう一度試してください。',
    "postgres_missing": 'ログ {name} は PostgreSQL にありますが、ドライバーが入っていません({reason})。pip install "motion-widgets[postgres]" を実行してから、開き直してください。',
    "s3_missing": '{place}には未インストールのパッケージが必要です({reason})。S3 の場合は pip install "motion-widgets[s3]" を実行してください。',
    "voila_missing": 'Voilà が入っていません。pip install "motion-widgets[voila]" を実行してから、もう一度起動してください。',
}
