"""Move a still picture as a clip moves: from the clip's frames to a mesh that bends, and its drawing.

`read` decodes the clip small and grey; `flow` finds which way each part of it moves; `mesh` lays that over
the picture; `displace` turns it into places; `learn` makes the picture change as much as the clip does, and
is what a caller uses; `warp` draws. Lengths are in heights of the picture unless a name says px.
"""
