"""Every parameter of the model, declared once: symbol, meaning, unit, default, prior, range, source.

`kind` says what stands behind a value: `estimated` (to be calibrated to 2015-2020), `literature` (carried
with a prior from published work), `assumed` (no source; varied), `data` (read off the data files),
`rule` (a legal or accounting rule), `structural` (a switch between readings of the world).
A parameter with `per` has one value per place, written `name.place`.
"""

from __future__ import annotations

from dataclasses import dataclass

from model.priors import (
    Beta,
    Choice,
    LogNormal,
    Normal,
    Prior,
    SpikeHalfNormal,
    Triangular,
    TruncatedNormal,
    Uniform,
)


@dataclass(frozen=True)
class Declaration:
    """One declared parameter; `low` and `high` bound every value that is accepted."""

    name: str
    symbol: str
    meaning: str
    unit: str
    default: float
    prior: Prior | None
    low: float
    high: float
    kind: str
    source: str
    block: str
    per: str = ""  # "" one value, "simulated" one per simulated place, "waged" those and external driver centres,
    #               "hinterland" one per external hinterland


def _tri(low: float, mode: float, high: float) -> Triangular:
    return Triangular(low, mode, high)


_A = "assumption"
_PRIOR = "model.md section 5"
_RC = "Rogers & Castro 1981"

MIGRATION = [
    Declaration("leaving", "lambda", "person-weighted hazard of all moves out of a town in 2015", "1/year", 0.025,
                LogNormal(0.025, 0.35), 0.002, 0.15, "estimated", _PRIOR + "; net flows identify only in minus out", "migration"),
    Declaration("in_out", "rho_s", "arrivals in 2015 as a share of departures, per place", "ratio", 0.9,
                TruncatedNormal(0.9, 0.2, 0.05, 2.0), 0.0, 5.0, "estimated", _PRIOR + "; other places centred on their own accounts", "migration", "simulated"),
    Declaration("beta_y", "beta_y", "weight of log income in the utility of a place", "1", 0.6,
                TruncatedNormal(0.6, 0.3, 0.0, 1.5), 0.0, 3.0, "literature", "Aldashev & Dietz 2014; Andrienko & Guriev 2004", "migration"),
    Declaration("beta_Q", "beta_Q", "weight of infrastructure quality", "1", 0.2, SpikeHalfNormal(0.2, 0.3), 0.0, 3.0,
                "literature", _PRIOR + "; the effect of a renewal is almost all this prior", "migration"),
    Declaration("beta_K", "beta_K", "weight of services for households with children", "1", 0.4, _tri(0.0, 0.4, 1.0), 0.0, 3.0,
                "literature", "Sorensen et al. 2021; Amcoff 2012 (school closure)", "migration"),
    Declaration("beta_N", "beta_N", "weight of kin in the nest of destinations", "1", 0.4, _tri(0.2, 0.4, 0.7), 0.0, 2.0, "literature", _PRIOR, "migration"),
    Declaration("beta_H", "beta_H", "weight of log rent", "1", 0.2, _tri(0.0, 0.2, 0.5), 0.0, 2.0, "literature", _PRIOR, "migration"),
    Declaration("beta_D", "beta_D", "weight of log road distance", "1", 1.0, TruncatedNormal(1.0, 0.25, 0.2, 1.8), 0.0, 3.0,
                "literature", "Andrienko & Guriev 2004; Guriev & Vakulenko 2015", "migration"),
    Declaration("beta_M", "beta_M", "weight of log destination size (aggregated alternatives)", "1", 0.4, _tri(0.0, 0.4, 0.8), 0.0, 1.5,
                "assumed", "McFadden 1978: an aggregate of M equal alternatives gains tau ln M; " + _A, "migration"),
    Declaration("tau", "tau", "dissimilarity inside the nests Kazakhstan and Russia", "1", 0.6, _tri(0.3, 0.6, 1.0), 0.1, 1.0, "literature", "McFadden 1978", "migration"),
    Declaration("russia_share", "s_RU", "share of all leavers of the towns who go to Russia (sets alpha_RU)", "share", 0.14,
                _tri(0.08, 0.14, 0.22), 0.001, 0.9, "literature", _PRIOR, "migration"),
    Declaration("russia_share_outside", "s_RU,out", "share of those leaving the region who go to Russia (sets alpha_RU in worlds with russia_share_of = leavers_outside)",
                "share", 0.25, _tri(0.10, 0.25, 0.40), 0.001, 0.95, "literature", _PRIOR, "migration"),
    Declaration("stayer_share", "p_stay", "share of households with little readiness to move", "share", 0.30, _tri(0.1, 0.3, 0.6), 0.0, 0.95, "literature", "Kennan & Walker 2011; " + _PRIOR, "migration"),
    Declaration("stayer_kappa", "kappa_0", "readiness to move of stayers (movers are scaled to mean 1)", "ratio", 0.15, _tri(0.05, 0.15, 0.4), 0.0, 1.0, "assumed", _A, "migration"),
    Declaration("kin_scale", "kin", "scale on the assumed shares of households with kin in either nest", "ratio", 1.0, _tri(0.5, 1.0, 1.4), 0.0, 1.6, "assumed", _A, "migration"),
    Declaration("p_edu", "p_edu", "share of a youth cohort that leaves to study between 17 and 19", "share", 0.45, _tri(0.30, 0.45, 0.70), 0.0, 0.95,
                "literature", "Kashnitsky & Mkrtchyan 2014", "migration"),
    Declaration("study_place_odds", "o_uni", "odds that youth of a place with universities leave, against other places", "odds", 0.35, _tri(0.15, 0.35, 0.7), 0.01, 2.0, "assumed", _A, "migration"),
    Declaration("skilled_parent_odds", "o_par", "odds that youth of skilled parents leave", "odds", 1.5, _tri(1.0, 1.5, 2.2), 0.2, 5.0, "assumed", _A, "migration"),
    Declaration("p_ret", "p_ret", "share of students who return between 22 and 25", "share", 0.15, _tri(0.05, 0.15, 0.30), 0.0, 0.9, "literature", "Kashnitsky & Mkrtchyan 2014", "migration"),
    Declaration("inside_share", "s_in", "largest share of a place's arrivals that comes from other simulated places (binds where hinterlands are simulated)", "share",
                0.72, _tri(0.60, 0.72, 0.85), 0.05, 1.0, "assumed", "outside arrivals of North Kazakhstan are a good quarter of all; " + _A, "migration"),
    Declaration("hinterland_weight", "h", "share of arrivals that follows the shrinking hinterland", "share", 0.5, _tri(0.2, 0.5, 0.9), 0.0, 1.0, "literature", _PRIOR + "; a headline structural factor", "migration"),
    Declaration("hinterland_decline", "g_H", "yearly decline of a hinterland", "1/year", 0.028, Normal(0.0, 0.006), -0.05, 0.15, "data", "accounts 2009-2021, model.md (13)", "migration", "hinterland"),
    Declaration("arrival_variation", "cv_A", "extra coefficient of variation of yearly arrivals (negative binomial)", "ratio", 0.3, _tri(0.1, 0.3, 0.6), 0.0, 2.0,
                "estimated", "observed sd of net migration 17, 59, 57, 97 persons in 2015-2020", "migration", "simulated"),
    Declaration("walk_sd", "sd_w", "yearly sd of the random walk on ln lambda", "1/sqrt(year)", 0.08, _tri(0.0, 0.08, 0.15), 0.0, 0.5, "literature", _PRIOR, "migration"),
    Declaration("walk_common", "rho_w", "share of that walk's variance common to all places", "share", 0.5, _tri(0.0, 0.5, 1.0), 0.0, 1.0, "assumed", _A, "migration"),
    Declaration("regime_weight", "w_reg", "weight of 2009-2020 against 2015-2020 in the net migration level after 2020 (0 = 2015-2020, 1 = 2009-2020, between: mixture)",
                "share", 0.5, Uniform(0.0, 1.0), 0.0, 1.0, "structural", _PRIOR + "; default for bands is the mixture", "migration"),
    Declaration("rho_e", "rho_e", "speed at which perceived income follows income", "1/year", 0.3, _tri(0.2, 0.3, 0.5), 0.01, 1.0, "literature", "mean lag over two years", "migration"),
    Declaration("ppp", "ppp", "Russian wages seen at purchasing power parity (1) or the market rate (0)", "switch", 0.0, Choice((0.0, 1.0)), 0.0, 1.0, "structural", _PRIOR, "migration"),
]

LABOUR = [
    Declaration("omega", "omega_s", "wage of a place relative to North Kazakhstan's", "ratio", 0.83, LogNormal(0.83, 0.06), 0.2, 3.0,
                "estimated", "paper Tables 1-2 for Bulaevo and Mamlyutka; elsewhere prior only", "labour", "waged"),
    Declaration("kappa_E", "kappa_E,s", "participation of a place relative to the region's by age and sex", "ratio", 1.06, LogNormal(1.06, 0.06), 0.4, 1.6, "estimated", "labour force 2014-2020 of the accounts", "labour", "simulated"),
    Declaration("m_J", "m_J", "yearly loss of all jobs at constant population", "1/year", 0.010, Normal(0.010, 0.012), -0.1, 0.1, "estimated", _PRIOR, "labour"),
    Declaration("m_A", "m_A", "yearly loss of agricultural jobs", "1/year", 0.035, Normal(0.035, 0.015), -0.1, 0.2, "literature", "regional employment 2016-2020: -4.3 % a year", "labour"),
    Declaration("m_I", "m_I", "yearly loss of industrial jobs", "1/year", -0.010, Normal(-0.010, 0.020), -0.1, 0.2, "literature", "regional employment 2016-2020: +3.0 % a year", "labour"),
    Declaration("share_A", "j_A", "agriculture's share of jobs in 2015", "share", 0.20, _tri(0.10, 0.20, 0.30), 0.0, 0.6, "assumed", _A, "labour"),
    Declaration("share_I", "j_I", "industry's share of jobs in 2015", "share", 0.08, _tri(0.04, 0.08, 0.14), 0.0, 0.4, "assumed", _A, "labour"),
    Declaration("share_G", "j_G", "public services' share of jobs in 2015", "share", 0.33, _tri(0.25, 0.33, 0.42), 0.0, 0.6, "assumed", _A, "labour"),
    Declaration("eta_A", "eta_A", "elasticity of agricultural jobs to output", "1", 0.3, _tri(0.0, 0.3, 0.8), 0.0, 2.0, "literature", _PRIOR, "labour"),
    Declaration("eta_I", "eta_I", "elasticity of industrial jobs to output", "1", 0.5, _tri(0.0, 0.5, 0.8), 0.0, 2.0, "literature", _PRIOR, "labour"),
    Declaration("sigma_A", "sigma_A", "yearly innovation of agricultural output", "log points", 0.08, _tri(0.04, 0.08, 0.14), 0.0, 1.0, "data", "paper Tables 1-2, deflated and detrended", "labour"),
    Declaration("sigma_I", "sigma_I", "yearly innovation of industrial output", "log points", 0.20, _tri(0.10, 0.20, 0.32), 0.0, 1.0, "data", "paper Tables 1-2, deflated and detrended", "labour"),
    Declaration("rho_A", "rho_A", "share of agricultural shocks common to the places", "share", 0.86, _tri(0.6, 0.86, 1.0), 0.0, 1.0, "data", "model.md (1)", "labour"),
    Declaration("rho_I", "rho_I", "share of industrial shocks common to the places", "share", 0.25, _tri(0.0, 0.25, 0.6), 0.0, 1.0, "assumed", _A, "labour"),
    Declaration("g_A", "g_A", "trend of real agricultural output per worker place", "1/year", 0.02, Normal(0.02, 0.01), -0.1, 0.2, "data", "regional value added, deflated", "labour"),
    Declaration("g_I", "g_I", "trend of real industrial output", "1/year", 0.02, Normal(0.02, 0.01), -0.1, 0.2, "data", "regional value added, deflated", "labour"),
    Declaration("psi", "psi", "yearly adjustment of local services to demand", "1/year", 0.3, _tri(0.15, 0.3, 0.5), 0.01, 1.0, "literature", _PRIOR, "labour"),
    Declaration("mu_loc", "mu_loc", "local services jobs per job in agriculture or industry, in total", "jobs/job", 0.5, _tri(0.1, 0.5, 1.2), 0.0, 3.0, "literature", "Moretti 2010; Moretti & Thulin 2013", "labour"),
    Declaration("people_per_job", "eps_P", "residents kept in the long run per extra job: their demand is taken out of the multiplier, as it arrives through the population term", "persons/job",
                0.3, _tri(0.0, 0.3, 0.8), 0.0, 2.0, "assumed", _A, "labour"),
    Declaration("zeta", "zeta", "spending of a commuter at home, in jobs", "ratio", 0.5, _tri(0.2, 0.5, 0.8), 0.0, 1.0, "assumed", _A, "labour"),
    Declaration("separation", "s", "share of workers whose job ends in a year", "1/year", 0.12, _tri(0.08, 0.12, 0.18), 0.01, 0.6, "literature", _PRIOR, "labour"),
    Declaration("matching", "m_0", "chance that a seeker meets an open job when jobs abound", "share", 0.8, _tri(0.6, 0.8, 0.95), 0.05, 1.0, "literature", _PRIOR, "labour"),
    Declaration("skill_hiring_odds", "o_hire", "odds of being hired first for the skilled", "odds", 1.3, _tri(1.0, 1.3, 1.8), 1.0, 4.0, "assumed", _A, "labour"),
    Declaration("skill_premium", "pi", "wage premium of vocational or higher education", "share", 0.30, _tri(0.15, 0.30, 0.45), 0.0, 2.0, "literature", _PRIOR, "labour"),
    Declaration("skill_if_staying", "p_voc", "share of those who did not leave to study who are skilled at 20", "share", 0.25, _tri(0.1, 0.25, 0.4), 0.0, 1.0, "assumed", _A, "labour"),
    Declaration("D50", "D_50", "road distance at which half of the seekers accept commuting", "km", 30.0, _tri(20.0, 30.0, 50.0), 1.0, 300.0, "assumed", _A, "labour"),
    Declaration("s_D", "s_D", "spread of that acceptance", "km", 10.0, _tri(5.0, 10.0, 15.0), 1.0, 100.0, "assumed", _A, "labour"),
    Declaration("travel_cost", "c_D", "cost of commuting as a share of the wage per km", "1/km", 0.006, _tri(0.003, 0.006, 0.010), 0.0, 0.1, "assumed", _A, "labour"),
    Declaration("centre_slack", "slack_c", "slack of 2015 in centres outside the simulated places", "share", 0.15, _tri(0.08, 0.15, 0.25), 0.0, 0.6, "assumed", "1 - formal jobs of regional centres; " + _A, "labour"),
    Declaration("district_seekers", "q_c", "seekers of an outside centre's own district relative to its own", "ratio", 0.40, _tri(0.2, 0.4, 0.6), 0.0, 3.0, "assumed", "Kyzylzhar district's labour force and road distance; " + _A, "labour"),
    Declaration("phi_se", "phi_se", "income of the self-employed and hidden unemployed relative to the wage", "ratio", 0.45, _tri(0.3, 0.45, 0.6), 0.0, 1.5, "assumed", _A, "labour"),
    Declaration("phi_u", "phi_u", "income of the officially unemployed relative to the wage", "ratio", 0.20, _tri(0.1, 0.2, 0.35), 0.0, 1.0, "assumed", _A, "labour"),
    Declaration("old_age_income", "phi_r", "old-age income relative to the wage", "ratio", 0.40, _tri(0.3, 0.4, 0.5), 0.0, 1.5, "assumed", _A, "labour"),
    Declaration("income_floor", "y_min", "least income per adult relative to the wage", "ratio", 0.25, _tri(0.15, 0.25, 0.35), 0.02, 1.0, "assumed", _A, "labour"),
    Declaration("ubar", "ubar", "official unemployment rate at the slack of 2015", "share", 0.055, TruncatedNormal(0.055, 0.007, 0.01, 0.2), 0.0, 0.5, "estimated", _PRIOR, "labour"),
    Declaration("chi", "chi", "share of a change in slack that the official rate shows", "ratio", 0.25, Uniform(0.0, 0.5), 0.0, 1.0, "estimated", _PRIOR, "labour"),
    Declaration("beta_c", "beta_c", "slope of the wage curve", "1", -0.10, _tri(-0.25, -0.10, 0.0), -1.0, 0.0, "literature", "Blanchflower & Oswald 1994", "labour"),
    Declaration("sigma_W", "sigma_W", "sd of the wage disturbance of a place", "log points", 0.03, _tri(0.01, 0.03, 0.06), 0.0, 0.5, "estimated", _PRIOR, "labour"),
    Declaration("rho_W", "rho_W", "persistence of the wage disturbance", "1", 0.5, _tri(0.2, 0.5, 0.8), 0.0, 0.99, "literature", "model.md (8)", "labour"),
]

DEMOGRAPHY = [
    Declaration("tfr", "TFR", "total fertility rate of 2015", "births/woman", 1.90, Normal(1.90, 0.03), 0.2, 8.0, "literature", "regional births 2015 over the estimated age table", "demography"),
    Declaration("g_f", "g_f", "yearly trend of fertility over the whole horizon", "1/year", -0.005, Normal(-0.005, 0.015), -0.1, 0.1, "estimated", _PRIOR, "demography"),
    Declaration("fertility", "f_s", "log deviation of a place's fertility from its founding fit", "log points", 0.0, Normal(0.0, 0.15), -2.0, 2.0, "estimated", _PRIOR, "demography", "simulated"),
    Declaration("mortality", "d_s", "log deviation of a place's mortality from its founding fit", "log points", 0.0, Normal(0.0, 0.15), -2.0, 2.0, "estimated", _PRIOR, "demography", "simulated"),
    Declaration("mortality_2020", "d_2020", "deaths of 2020 against the mean of 2015-2019", "ratio", 1.126, Normal(1.126, 0.01), 0.5, 3.0, "data", "regional deaths", "demography"),
    Declaration("mortality_2021", "d_2021", "deaths of 2021 against the mean of 2015-2019", "ratio", 1.2, Uniform(1.0, 1.4), 0.5, 3.0, "assumed", _A, "demography"),
    Declaration("mortality_improvement", "g_d", "yearly fall of death rates from 2022 on", "1/year", 0.007, TruncatedNormal(0.007, 0.004, -0.005, 0.02), -0.05, 0.1, "literature", "UN WPP 2024, Kazakhstan", "demography"),
    Declaration("infant_first_year", "a_0", "share of infant deaths in the calendar year of birth", "share", 0.8, _tri(0.7, 0.8, 0.9), 0.0, 1.0, "assumed", "usual separation factor; " + _A, "demography"),
    Declaration("male_births", "p_M", "share of boys among births", "share", 0.515, Normal(0.515, 0.001), 0.4, 0.6, "literature", "UN WPP 2024", "demography"),
    Declaration("union_rate", "u", "yearly rate at which single people of 20-35 look for a union", "1/year", 0.20, _tri(0.12, 0.20, 0.30), 0.0, 1.0, "assumed", _A, "demography"),
    Declaration("divorce_rate", "v", "yearly rate of divorce of couples", "1/year", 0.012, _tri(0.006, 0.012, 0.02), 0.0, 0.5, "assumed", _A, "demography"),
    Declaration("leaving_home_rate", "l_h", "yearly rate at which single adults of 20-35 found a household of their own", "1/year", 0.05, _tri(0.02, 0.05, 0.10), 0.0, 1.0, "assumed", _A, "demography"),
    Declaration("household_size", "n_h", "mean size of founding households", "persons", 2.7, _tri(2.4, 2.7, 3.1), 1.5, 6.0, "literature", "model.md section 2", "demography"),
    Declaration("register_bias", "b_s", "log of residents over the register's count (kept level bias)", "log points", 0.0, Normal(0.0, 0.04), -0.4, 0.4, "assumed", "census of 2009 re-based the region by -8.6 %", "demography", "simulated"),
]

INFRASTRUCTURE = [
    Declaration("delta_w", "delta_w", "yearly decay of networks", "1/year", 0.03, _tri(0.015, 0.03, 0.045), 0.0, 0.3, "literature", "model.md (18)", "infrastructure"),
    Declaration("network_share", "i_n", "share of the local budget that renews networks", "share", 0.30, _tri(0.1, 0.3, 0.5), 0.0, 1.0, "assumed", _A, "infrastructure"),
    Declaration("heat_km", "L_heat", "heat network of a town of 7,000", "km", 11.0, _tri(8.0, 11.0, 14.0), 0.5, 200.0, "assumed", "model.md (18)", "infrastructure"),
    Declaration("water_km", "L_water", "water network of a town of 7,000", "km", 40.0, _tri(30.0, 40.0, 50.0), 0.5, 400.0, "assumed", "model.md (18)", "infrastructure"),
    Declaration("sewer_km", "L_sewer", "sewers of a town of 7,000", "km", 40.0, _tri(30.0, 40.0, 50.0), 0.5, 400.0, "assumed", "model.md (18)", "infrastructure"),
    Declaration("road_km", "L_road", "streets of a town of 7,000", "km", 60.0, _tri(40.0, 60.0, 90.0), 0.5, 600.0, "assumed", _A, "infrastructure"),
    Declaration("heat_cost", "c_heat", "renewal of heat pipes", "million KZT/km, 2020 prices", 220.0, _tri(160.0, 220.0, 280.0), 1.0, 5000.0, "data", "340 in 2024 prices (policy_costs.csv), deflated", "infrastructure"),
    Declaration("water_cost", "c_water", "renewal of water mains and sewers", "million KZT/km, 2020 prices", 70.0, _tri(45.0, 70.0, 95.0), 1.0, 5000.0, "data", "60-125 in 2018-2024 prices (policy_costs.csv), deflated", "infrastructure"),
    Declaration("road_cost", "c_road", "renewal of streets", "million KZT/km, 2020 prices", 50.0, _tri(30.0, 50.0, 90.0), 1.0, 5000.0, "assumed", _A, "infrastructure"),
    Declaration("health_weight", "j_health", "health facilities' share of public jobs and of services", "share", 0.25, _tri(0.15, 0.25, 0.35), 0.0, 0.5, "assumed", _A, "infrastructure"),
    Declaration("school_weight", "j_school", "schools' share of public jobs and of services", "share", 0.40, _tri(0.3, 0.4, 0.5), 0.0, 0.5, "assumed", _A, "infrastructure"),
    Declaration("loss_years", "n_loss", "years below the norm after which a facility is lost", "years", 3.0, None, 1.0, 20.0, "rule", "model.md (19)", "infrastructure"),
    Declaration("restoration", "r_norm", "multiple of the norm at which a lost facility is restored", "ratio", 1.2, None, 1.0, 3.0, "rule", "model.md (19)", "infrastructure"),
    Declaration("budget_services", "s_b", "gain in services per 50 thousand KZT a head of extra local budget", "index", 0.05, _tri(0.0, 0.05, 0.1), 0.0, 1.0, "assumed", _A, "infrastructure"),
    Declaration("rent_elasticity", "eps_H", "elasticity of rent to occupied dwellings", "1", 0.3, _tri(0.0, 0.3, 0.6), 0.0, 3.0, "assumed", _A, "infrastructure"),
]

ZONE = [
    Declaration("launch_hazard", "h_L", "yearly chance that a declared project launches", "1/year", 0.08, _tri(0.036, 0.08, 0.156), 0.0, 1.0, "literature", "5 of 21 declared projects in six years", "zone"),
    Declaration("but_for", "b", "share of launched jobs that would not exist without the zone", "share", 0.29, Beta(2.0, 5.0), 0.0, 1.0, "literature", "Bartik 2018", "zone"),
    Declaration("displacement", "d_z", "share of additional jobs taken from other local firms", "share", 0.25, _tri(0.0, 0.25, 0.6), 0.0, 1.0, "literature", _PRIOR, "zone"),
    Declaration("exit_rate", "x_z", "yearly chance that a launched project closes", "1/year", 0.05, _tri(0.02, 0.05, 0.10), 0.0, 1.0, "literature", "Farole 2011", "zone"),
    Declaration("jobs_per_project", "n_z", "median jobs of a launched project", "jobs", 117.0, LogNormal(117.0, 0.25), 5.0, 5000.0, "data", "declared pipeline, sez_qyzyljar", "zone"),
    Declaration("project_spread", "sd_z", "sd of the log jobs of projects", "log points", 0.6, _tri(0.4, 0.6, 0.8), 0.0, 2.0, "literature", "model.md (20)", "zone"),
]

SETTLERS = [
    Declaration("settlers_working", "w_set", "share of adult settlers placed in work on arrival", "share", 0.45, _tri(0.3, 0.45, 0.6), 0.0, 1.0, "literature", "settlers' programme, model.md section 4", "migration"),
    Declaration("settlers_returning", "r_set", "share of settler families who go back within the year", "share", 0.055, _tri(0.03, 0.055, 0.10), 0.0, 1.0, "literature", "settlers' programme, model.md section 4", "migration"),
]

OUTLOOK = [
    Declaration("growth_kazakhstan", "g_KZ", "real wage growth in Kazakhstan after the observed years", "1/year", 0.015, Normal(0.015, 0.010), -0.1, 0.15, "assumed", _A, "outlook"),
    Declaration("growth_russia", "g_RU", "real wage growth in Russia after the observed years", "1/year", 0.012, Normal(0.012, 0.012), -0.1, 0.15, "assumed", _A, "outlook"),
    Declaration("growth_centres", "g_C", "growth of wages outside the region in Kazakhstan beyond the region's own", "1/year", 0.0, Normal(0.0, 0.005), -0.1, 0.1, "assumed", _A, "outlook"),
    Declaration("exchange_sd", "sd_fx", "yearly sd of the real value of the rouble after the observed years", "log points", 0.08, _tri(0.04, 0.08, 0.14), 0.0, 0.5, "assumed", "market rate 2014-2025 moved by about .1 a year; " + _A, "outlook"),
    Declaration("unemployment_drift", "g_u", "yearly relative change of unemployment elsewhere after the observed years", "1/year", 0.0, Normal(0.0, 0.01), -0.2, 0.2, "assumed", _A, "outlook"),
]

DECLARATIONS: tuple[Declaration, ...] = tuple(MIGRATION + LABOUR + DEMOGRAPHY + INFRASTRUCTURE + ZONE + SETTLERS + OUTLOOK)
