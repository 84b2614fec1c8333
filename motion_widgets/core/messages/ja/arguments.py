"""What a call takes, where it was given something else."""

from __future__ import annotations

MESSAGES: dict[str, str] = {
    "not_a_clip": "ここには計測済みのクリップが必要ですが、これは {found} です。mw.measure_clip の戻り値を渡してください。",
    "not_a_count": "{found} は個数として使えません。1 以上の整数にしてください。",
    "not_a_finding": "ここには指摘が必要ですが、これは {found} です。mw.check が返すものを 1 つ渡してください。",
    "not_a_mend": "ここには修正の結果が必要ですが、これは {found} です。mw.mend の戻り値を渡してください。",
    "not_a_path": 'ファイルやフォルダーはパスで指定しますが、これは {found} です。"dance.mp4" のような文字列か Path を渡してください。',
    "not_a_row": "ここにはジョブの行が必要ですが、これは {found} です。ジョブの ID を使って ws.attach(id).row を渡してください。",
    "not_a_run": "ここには実行が必要ですが、これは {found} です。plan.run() か ws.attach(id) の戻り値を渡してください。",
    "not_a_study": "ここにはスタディが必要ですが、これは {found} です。mw.Study(ws, run) で作って渡してください。",
    "not_a_sweep": "ここにはスイープが必要ですが、これは {found} です。mw.Sweep(req, …) で作って渡してください。",
    "not_a_text": "ここには文字列が必要ですが、これは {found} です。引用符で囲んで渡してください。",
    "not_a_workspace": "ここにはワークスペースが必要ですが、これは {found} です。mw.Workspace(folder) で開いて渡してください。",
    "not_an_id": "ジョブは ID で指定しますが、これは {found} です。job.id のような ID か、そのリストを渡してください。",
    "not_an_operation": '修正は Operation で指定しますが、これは {found} です。mw.mends_for が返すものか、mw.Operation("mute_clip") のようなものを渡してください。',
    "not_sources": "ここには複数のクリップが必要ですが、これは {found} です。1 つだけでも、パスやリンクのリストを渡してください。",
    "wait_wrong": "{found} は待ち時間として使えません。60 のような秒数か、終わるまで待つ None にしてください。",
}
