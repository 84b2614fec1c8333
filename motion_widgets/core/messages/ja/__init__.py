"""The sentences in Japanese: a file for each room whose sentences the widgets and findings show.

What has no sentence here is said in English. `tests/core/translations.py` compares codes and placeholders.
Sentences end in です or ます; labels and buttons are nouns. Values of the wire (std, pro, image, video),
SANDBOX and LIVE stay as they are.
"""
