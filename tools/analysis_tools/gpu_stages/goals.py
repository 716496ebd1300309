"""What the report is meant to show, and whether it does."""

SPEEDUP, MEMORY = 3.0, 0.5
SHARES = {'ExtPose ViT-H': 0.40, 'MixSTE': 0.25}


def goals(stages: dict) -> list[tuple[str, str, bool]]:
    """``(goal, what was found, whether it is reached)`` of the rows of the training steps."""
    rows = [row for row in stages.get('steps', {}).get('rows') or [] if row.get('ms')]
    out = []
    for network in dict.fromkeys(row['network'] for row in rows):
        own = [row for row in rows if row['network'] == network and row['form'] != 'plain fp32']
        faster = [row for row in own if row.get('speedup')]
        if faster:
            best = max(faster, key=lambda row: (
                row['speedup'] >= SPEEDUP and row.get('memory_ratio', 1) <= MEMORY, row['speedup']))
            memory = best.get('memory_ratio')
            out.append((f'{network}: {SPEEDUP:g} times plain fp32, at half the memory',
                        f'{best["speedup"]:.2f} times' + ('' if memory is None else f', {memory:.0%} of the memory')
                        + f' ({best["form"]})',
                        best['speedup'] >= SPEEDUP and memory is not None and memory <= MEMORY))
        least = next((share for name, share in SHARES.items() if network.startswith(name)), None)
        shares = [row for row in own if row.get('share')]
        if least is not None and shares:
            best = max(shares, key=lambda row: row['share'])
            out.append((f'{network}: {least:.0%} of the measured bf16 peak', f'{best["share"]:.0%} ({best["form"]})',
                        best['share'] >= least))
    return out
