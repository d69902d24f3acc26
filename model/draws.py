"""Keyed random draws: chance as a pure function of who, when and what for.

A draw depends on (seed, year, key of the person or household, purpose, alternative) and on nothing else:
no stream, no state, no order. Two scenarios that share seeds therefore share the fate of every person
whose circumstances they share (common random numbers by identity).

The mixer is `rrxmrrxmsx_0` (P. Evensen, 2018), a 64-bit bijection that passes PractRand on counters,
rotated counters and sparse inputs; two multiplications, about three nanoseconds.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from model.compiled import kernel

# Casts of kernels. Typed as Any: inside compiled code they are plain machine numbers.
U64: Any = np.uint64
I64: Any = np.int64

# Purposes of draws. A new purpose takes a new number; numbers are never reused, so that adding one
# leaves every other draw as it was.
FOUNDER_KEY = 1
FOUNDING_ROUNDING = 2
FOUNDING_PACKING = 3
KAPPA = 4
KIN_KAZAKHSTAN = 5
KIN_RUSSIA = 6
SKILL = 7
PARTICIPATION = 8
SEPARATION = 9
HIRING = 10
COMMUTE_ACCEPTANCE = 11
COMMUTE_ROUNDING = 12
HOUSEHOLD_MOVE = 13
DESTINATION_NEST = 14
DESTINATION_PLACE = 15
STUDY_EXIT = 16
STUDENT_RETURN = 17
YOUNG_ADULT_MOVE = 18
ARRIVAL_COUNT = 19
ARRIVAL_KEY = 20
ARRIVAL_TEMPLATE = 21
DEATH = 22
BIRTH = 23
NEWBORN_KEY = 24
NEWBORN_SEX = 25
UNION = 26
PAIRING = 27
DIVORCE = 28
LEAVING_HOME = 29
ORPHAN_HOST = 30
NEWBORN_DEATH = 31
OUTPUT_COMMON = 32
OUTPUT_PLACE = 33
WAGE_SHOCK = 34
HAZARD_WALK_COMMON = 35
HAZARD_WALK_PLACE = 36
PROJECT_LAUNCH = 37
PROJECT_JOBS = 38
PROJECT_EXIT = 39
EXCHANGE_RATE = 40
FOUNDING_STATUS = 41
PARAMETER = 42
RUN_SEED = 43
SETTLER_KEY = 44
SETTLER_WORK = 45
STUDENT_DESTINATION = 46
TEMPLATE_CHOICE = 47
SETTLER_RETURN = 48
SERVICE_PLACE = 49
VILLAGE_GONE = 50
VILLAGE_SIZE = 51
VILLAGE_SITE = 52
VILLAGE_DEAL = 53
VILLAGE_SHOCK = 54
VILLAGE_FARM = 55
VILLAGE_GIVEN_UP = 56
VILLAGE_ABOLISHED = 57
VILLAGE_WAVE = 58

TO_UNIT = 2.0**-53


@kernel
def mix(value: np.uint64) -> np.uint64:
    """64-bit bijective mixer `rrxmrrxmsx_0`."""
    v = U64(value)
    v ^= ((v >> U64(25)) | (v << U64(39))) ^ ((v >> U64(50)) | (v << U64(14)))
    v *= U64(0xA24BAED4963EE407)
    v ^= ((v >> U64(24)) | (v << U64(40))) ^ ((v >> U64(49)) | (v << U64(15)))
    v *= U64(0x9FB21C651E98DF25)
    return v ^ (v >> U64(28))


@kernel
def salt(seed: np.uint64, year: int, purpose: int) -> np.uint64:
    """What all draws of one purpose in one year of one run share (`year` 0 for lifelong traits)."""
    calendar = (U64(year) << U64(16)) | U64(purpose)
    return mix(mix(U64(seed) + U64(0x9E3779B97F4A7C15)) ^ (calendar * U64(0xD6E8FEB86659FD93)))


@kernel
def draw(key: np.uint64, salted: np.uint64) -> np.uint64:
    """64 random bits for one key under one salt."""
    return mix(U64(key) ^ U64(salted))


@kernel
def draw_alternative(key: np.uint64, salted: np.uint64, alternative: np.uint64) -> np.uint64:
    """64 random bits for one key, one salt and one alternative (a place's own hash)."""
    return mix(mix(U64(key) ^ U64(salted)) + U64(alternative))


@kernel
def unit(bits: np.uint64) -> float:
    """Bits as a number in [0, 1) with 53 bits: the only way a decision compares chance with a probability."""
    return np.int64(U64(bits) >> U64(11)) * TO_UNIT


@kernel
def uniform(key: np.uint64, salted: np.uint64) -> float:
    """Uniform draw in [0, 1)."""
    return unit(draw(key, salted))


@kernel
def cut(probability: float) -> np.uint64:
    """The whole number with `unit(bits) < probability` exactly where `bits >> 11 < cut` (loops over many people)."""
    if probability <= 0.0:
        return U64(0)
    return U64(np.int64(math.ceil(min(probability, 1.0) * 9007199254740992.0)))


@kernel
def open_unit(bits: np.uint64) -> float:
    """Bits as a number strictly between 0 and 1: 52 bits and a half step (with 53 it would round up to 1)."""
    return (I64(U64(bits) >> U64(12)) + 0.5) * 2.0**-52


@kernel
def gumbel(bits: np.uint64) -> float:
    """Standard Gumbel variate from 64 bits."""
    return -math.log(-math.log(open_unit(bits)))


@kernel
def _polynomial(
    x: float, a0: float, a1: float, a2: float, a3: float, a4: float, a5: float, a6: float, a7: float
) -> float:
    return ((((((a7 * x + a6) * x + a5) * x + a4) * x + a3) * x + a2) * x + a1) * x + a0


@kernel
def inverse_normal(p: float) -> float:
    """Standard normal quantile of `p` in (0, 1): Wichura's algorithm AS 241 (PPND16), about 1e-16 relative."""
    q = p - 0.5
    if abs(q) <= 0.425:
        r = 0.180625 - q * q
        top = _polynomial(
            r,
            3.3871328727963666080,
            133.14166789178437745,
            1971.5909503065514427,
            13731.693765509461125,
            45921.953931549871457,
            67265.770927008700853,
            33430.575583588128105,
            2509.0809287301226727,
        )
        low = _polynomial(
            r,
            1.0,
            42.313330701600911252,
            687.18700749205790830,
            5394.1960214247511077,
            21213.794301586595867,
            39307.895800092710610,
            28729.085735721942674,
            5226.4952788528545610,
        )
        return q * top / low
    tail = p if q < 0.0 else 1.0 - p
    r = math.sqrt(-math.log(tail))
    if r <= 5.0:
        r -= 1.6
        top = _polynomial(
            r,
            1.42343711074968357734,
            4.63033784615654529590,
            5.76949722146069140550,
            3.64784832476320460504,
            1.27045825245236838258,
            0.241780725177450611770,
            0.0227238449892691845833,
            7.74545014278341407640e-4,
        )
        low = _polynomial(
            r,
            1.0,
            2.05319162663775882187,
            1.67638483018380384940,
            0.689767334985100004550,
            0.148103976427480074590,
            0.0151986665636164571966,
            5.47593808499534494600e-4,
            1.05075007164441684324e-9,
        )
    else:
        r -= 5.0
        top = _polynomial(
            r,
            6.65790464350110377720,
            5.46378491116411436990,
            1.78482653991729133580,
            0.296560571828504891230,
            0.0265321895265761230930,
            1.24266094738807843860e-3,
            2.71155556874348757815e-5,
            2.01033439929228813265e-7,
        )
        low = _polynomial(
            r,
            1.0,
            0.599832206555887937690,
            0.136929880922735805310,
            0.0148753612908506148525,
            7.86869131145613259100e-4,
            1.84631831751005468180e-5,
            1.42151175831644588870e-7,
            2.04426310338993978564e-15,
        )
    return -top / low if q < 0.0 else top / low


@kernel
def normal(key: np.uint64, salted: np.uint64) -> float:
    """Standard normal variate for one key under one salt."""
    return inverse_normal(open_unit(draw(key, salted)))


@kernel
def negative_binomial(u: float, mean: float, variation: float) -> int:
    """Count by inverse CDF: mean `mean`, variance `mean + (variation * mean)**2`; Poisson at `variation` 0.

    Monotone in both `u` and `mean`, hence nested between scenarios that share `u`. The running
    probability is kept in scaled form, so that means in the thousands do not underflow.
    """
    if mean <= 0.0:
        return 0
    if variation > 1e-6:
        size = 1.0 / (variation * variation)
        log_scale = -size * math.log1p(mean / size)
        ratio = mean / (size + mean)
    else:
        size = 0.0
        log_scale = -mean
        ratio = mean
    term = 1.0
    total = 1.0
    count = 0
    limit = int(mean + 40.0 * math.sqrt(mean + variation * variation * mean * mean)) + 60
    while count < limit:
        if log_scale > -690.0 and u < total * math.exp(log_scale):
            break
        term *= ratio * (size + count) / (count + 1.0) if size > 0.0 else ratio / (count + 1.0)
        total += term
        count += 1
        if total > 1e250:
            term *= 1e-250
            total *= 1e-250
            log_scale += 575.6462732485114  # ln(1e250)
    return count


@kernel
def hash_text(letters: np.ndarray) -> np.uint64:
    """Stable 64-bit hash of a text given as bytes (a place id): equal on every machine."""
    value = U64(0xCBF29CE484222325)
    for letter in letters:
        value = mix(value ^ U64(letter))
    return value


def text_key(text: str) -> np.uint64:
    """Key of a named thing (a place, a parameter): the same text gives the same key everywhere."""
    return np.uint64(hash_text(np.frombuffer(text.encode("utf-8"), dtype=np.uint8)))


def salt_of(seed: np.uint64, year: int, purpose: int) -> np.uint64:
    """`salt` for use outside kernels (compiled functions hand 64-bit numbers back as plain integers)."""
    return np.uint64(salt(np.uint64(seed), year, purpose))


def run_seed(seed: int, draw_number: int, replicate: int) -> np.uint64:
    """Seed of one run from the user's seed, the parameter draw and the replicate of chance.

    Example:
        >>> from model.draws import run_seed
        >>> first, again, other = run_seed(1, 0, 0), run_seed(1, 0, 0), run_seed(1, 0, 1)
        >>> bool(first == again), bool(first == other)
        (True, False)
    """
    words = (np.uint64(seed % 2**63), np.uint64(draw_number), np.uint64(replicate))
    state = np.uint64(RUN_SEED)
    for word in words:
        state = np.uint64(mix(np.uint64(state ^ word)))
    return state
