"""Opens hizo's recovery cards with PyPI shamir-mnemonic, and makes cards of the same seeds for hizo to open.

Usage: slip39.py GIVEN.json, a list of {seed, needed, count, cards}. Prints a list of the same form. Exit code 77: absent.
"""

import json
import sys

try:
    from shamir_mnemonic import MnemonicError, combine_mnemonics, generate_mnemonics
except ImportError:
    sys.exit(77)

made = []
for given in json.load(open(sys.argv[1])):
    seed, needed, cards = bytes.fromhex(given["seed"]), given["needed"], given["cards"]
    for chosen in (cards[:needed], cards[-needed:]):
        assert combine_mnemonics(chosen) == seed, given
    try:
        combine_mnemonics(cards[: needed - 1])
    except MnemonicError:
        pass
    else:
        sys.exit("fewer cards than are needed were taken")
    [words] = generate_mnemonics(1, [(needed, given["count"])], seed)
    made.append({**given, "cards": words})
json.dump(made, sys.stdout)
