"""How far the motion of a result follows its clip: measures between two clips, none of them of beauty.

`reading` decodes a file once. Each measure is a pure function of arrays: `timing` (when it moves), `place`
(where), `direction` (which way; needs OpenCV), `amount`, `time_kept`, `picture`, `sound`.
Only results of one image and clip are compared with each other, and the measures are never added up: a result
that moves in time may still be a mess, and hands, faces or a still arm are not seen.
"""
