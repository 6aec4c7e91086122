"""What does reading cost, full and decomposed, in the layouts of the paper's tasks?

    python benchmarks/profile_table.py [--measure] [--device cuda]

The script counts operations and parameters of BERT and XLNet, base split at 9 of 12 layers and
large at 20 of 24, in every layout, and of every split in SQuAD's layout. They are the same on every
machine. ``--measure`` adds time and memory, which need a machine without other work. The script
also draws the pictures of docs/measurements/profile.md.
"""

from dataclasses import replace

from common import ROOT, command_line, write_result
from preread.reader.profiling import (
    LAYOUTS,
    SHAPES,
    ProfileOptions,
    plot_sweep,
    profile_reader,
    sweep_reader,
)


def main() -> None:
    """Profile all shapes, write the result, draw the sweeps."""
    parser = command_line(__doc__)
    parser.add_argument("--measure", action="store_true", help="time and memory too")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--repeat", type=int, default=7)
    arguments = parser.parse_args()
    options = ProfileOptions(
        layouts=tuple(LAYOUTS.values()), is_measured=arguments.measure, repeat=arguments.repeat
    )
    of_squad = replace(options, layouts=(LAYOUTS["squad"],), is_measured=False)
    profiles, sweeps = [], []
    for shape in SHAPES:
        profiles.append(profile_reader(shape, options, device=arguments.device).to_dict())
        sweep = sweep_reader(shape, of_squad, device=arguments.device)
        plot_sweep(sweep, ROOT / "docs" / "measurements" / f"profile-{shape}.png")
        sweeps.append(sweep.to_dict())
    content = {"is_measured": arguments.measure, "profiles": profiles, "sweeps": sweeps}
    write_result("profile-table", content)


if __name__ == "__main__":
    main()
