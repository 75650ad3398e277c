"""What detection in video, tracking and smoothing are tuned with: one declaration, with units."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Search:
    """How a cascade searches for a known face around the place where it is expected."""

    side: int
    """px that the face is brought to: the larger, the more exact and the more expensive."""

    scale_factor: float
    """Ratio between the sizes that are tried."""

    min_score: int
    """Score below which nothing counts as found."""

    margin: float = 0.4
    """How far around the face it searches, on each side, in sides of the face.

    A face moves by less than this from one frame to the next.
    """

    box_scale: float = 1.0
    """What its boxes are multiplied by to be as large as FaceDetector's; medians over the media."""


@dataclass(frozen=True)
class Parameters:
    """All that is tuned in video; lengths in sides of a face's box, so that they fit any frame.

    Set by hand on the clips and portraits that `benchmarks.faces` and `benchmarks.flicker` run
    on, which are therefore no independent test of them.
    """

    # A known face, around its place. Scores of a Search are one cascade's; those called weak are
    # FaceDetector.verify's, whose faces get 56 to 420; see `certain_score` for false alarms.

    quick: Search = Search(26, 1.15, 3, box_scale=1.08)
    """For every face in every frame: a third of a millisecond."""

    close: Search = Search(44, 1.1, 5, box_scale=0.97)
    """For what the quick one missed or doubts: four times its time."""

    wide: Search = Search(32, 1.15, 4, margin=1.0)
    """For a face that jumped: as much again, a whole side to every side."""

    size_range: float = 1.3
    """Ratio by which a face may have grown or shrunk since the last frame.

    One frame changes it less; each size more costs time and lets false alarms in.
    """

    plain_score: int = 6
    """Quick score with which an upright face needs neither another pose nor a verification.

    Twice what counts as found: a face that looks at the camera has it, and costs no more then.
    """

    weak_score: int = 20
    """Verified score that makes a face doubtful instead of nothing.

    Some false alarms have more, so a doubtful face is shown only after `min_hits`.
    """

    certain_score: int = 85
    """Verified score with which somebody who comes into a shot is shown at once.

    Less is doubtful: eyelets on cloth are such a face for half a second, and people for longer.
    """

    verify_side: float = 88
    """px of a face's side that are left in the image that is verified, where the frame has them.

    Twice what a verification brings it to, so that nothing is enlarged.
    """

    verify_interval: float = 2.0
    """Seconds between verifications of a face that is not plain: one costs several quick ones."""

    verify_interval_doubtful: float = 0.3
    """The same while the face is doubtful: shown soon if it is one, dropped soon if not."""

    # Poses: a head's roll, in degrees, and whether it is seen from the front or from a side.

    roll_step: float = 15.0
    """Degrees between the rolls that are tried: no head is further than half of it from one."""

    max_roll: float = 60.0
    """Degrees beyond which no roll is tried: each more would make the others wait longer."""

    explore_interval: float = 0.2
    """Seconds between tries of a neighbouring pose, for a face that is rolled or seen from a side.

    A frontal one has two neighbours, of which each then gets its turn every 0.4 s.
    """

    explore_interval_upright: float = 0.6
    """The same for a face that is upright, but not plain: it is likely to stay so."""

    pose_gain: float = 1.2
    """How many times the score another roll must have to be taken, so that it does not swing."""

    frontal_score: int = 8
    """Score with which the frontal cascade takes a face over from the profile one.

    More than it takes to be found: a half profile answers to both, and must not take turns.
    """

    profile_scale: float = 0.9
    """Side of a frontal box in sides of the profile cascade's, median over media and FER-2013."""

    profile_back: float = 0.14
    """How much further back than a frontal one's its centre lies, in its sides; a median too."""

    profile_up: float = 0.03
    """How much further up than a frontal one's its centre lies, in its sides; a median too."""

    far_apart: float = 0.5
    """Seconds between two frames above which the later one is searched as a picture is.

    Whoever moves is elsewhere by then, and with so few frames each may cost more. As `max_coast`.
    """

    # A known face that was not found as it was before.

    tries: float = 60.0
    """Close and wide searches for lost faces in a second: two a frame at 30 frames a second."""

    max_tries: int = 4
    """The same in one frame, however long the last one is ago."""

    urgent: float = 0.5
    """Seconds after which a lost face gets one such search a frame, and hurries nothing any more.

    As long as it is still shown, `max_coast`.
    """

    # New faces, in the whole frame, piece by piece.

    strips: int = 8
    """Pieces of the finest level of the pyramid; a quarter of them in each coarser one.

    The smaller, the less a frame waits, and the more pixels are searched twice, at the seams.
    """

    strip: float = 3.0
    """Windows of the cascade that a piece is high at least: two more lie over its seam."""

    work: float = 30.0
    """Searches of such a piece, or halves of a verification, in a second: about one a frame.

    What is due beyond that waits for the next frame, so that none costs much more than others.
    """

    verifying: float = 2 / 3
    """Part of them that verifying known faces may take, so that new ones are found in a crowd."""

    periods: tuple[float, ...] = (4.0, 2.0, 0.6)
    """Seconds between searches of a level, finest first; the last holds for all that follow.

    Small faces cost most to find and matter least.
    """

    hurry: float = 4.0
    """How many times as often, while nobody is in view or somebody was just lost."""

    frame_roll: float = 30.0
    """Degrees by which the frame is also searched for rolled heads, to either side."""

    rolled_period: float = 4.0
    """How many times as long as upright heads those wait: most newcomers are upright."""

    scale_factor: float = 1.25
    """Ratio between sizes in such a search: what one misses, the next one finds."""

    scale_factor_thorough: float = 1.1
    """The same in the first frame of a shot, which should show everybody."""

    shot_change: float = 0.12
    """Mean change of a few hundred pixels that makes a new shot, as a part of 255."""

    # Appearance: a few pixels of head and shoulders, by which people are told apart; 0..1.

    appearance_interval: float = 0.3
    """Seconds between notes of a person's appearance, which changes slowly."""

    crowded: float = 1.5
    """Sides between two faces below which it is noted in every frame: they may be mixed up."""

    appearance_gain: float = 0.1
    """Part of a new appearance in the remembered one: a passer-by in front changes it little."""

    appearance_weight: float = 4.0
    """Sides of distance that a difference of 1 counts as.

    So `max_appearance_change` counts as much as the whole `gating_distance`.
    """

    max_appearance_change: float = 0.2
    """Difference that one person does not show from shot to shot."""

    # Tracks.

    max_coast: float = 0.5
    """Seconds that a face is still shown, and moves on, after it was last found.

    Bridges a blink of the detector; longer, and a box stands where nobody is.
    """

    max_age: float = 4.0
    """Seconds after which somebody who comes back is somebody new; bounds memory as well."""

    max_missed: int = 3
    """Frames in a row in which somebody may be missed however long that takes.

    So frames that are minutes apart show the same people, too: known by place and appearance.
    """

    held: float = 1.2
    """How many times as large another face must be to be shown instead of one that already is.

    Where only so many are asked for: two people of one size would else take turns.
    """

    min_hits: int = 3
    """Detections that make a doubtful face somebody."""

    min_hits_span: float = 1.0
    """Seconds over which they must be spread: false alarms come and go."""

    gating_distance: float = 0.8
    """How far off its predicted place a face may be, in place and size together, in sides.

    Less than the one side by which two people's faces lie apart at least.
    """

    gating_growth: float = 1.0
    """Sides by which that grows for each second that the face was not seen."""

    max_gating_growth: float = 1.5
    """Sides by which it grows at most."""

    absence_cost: float = 1.0
    """Sides that each second out of view counts against a track: one in view has a better claim."""

    max_absence_cost: float = 1.0
    """Sides that it counts at most."""

    box_time_constant: float = 0.15
    """Seconds over which the box and the roll of a resting face are averaged.

    A detector's box trembles by a few per cent, and the network would see another crop each time.
    """

    follow_distance: float = 0.15
    """Sides of movement in a frame from which a face is followed at once, without averaging."""

    follow_growth: float = 0.4
    """The same for its size."""

    velocity_gain: float = 0.3
    """Part of a step that goes into the velocity: one false box does not send a face away."""

    max_speed: float = 4.0
    """Sides a second along each axis; faster than that is a mistake, not a person."""

    # Labels. Times are parts of the smoothing that the user asks for.

    min_lead: float = 0.1
    """Probability by which another emotion must lead before the label follows."""

    hysteresis: float = 0.05
    """How far from the confidence the label turns to "uncertain", and as far back."""

    fast_span: float = 0.3
    """Span of the average that watches for a change, in spans of the one that is shown."""

    persistence: float = 0.7
    """How long that must speak for another label to take over at once; a grimace is shorter."""

    first_gap: float = 0.04
    """Seconds that a face's first frame stands for: one frame at 25 a second."""


PARAMETERS = Parameters()
"""Those in use."""
