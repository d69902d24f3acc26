"""The SQL views of an ensemble's folder, written beside its results as `views.sql` (documented in docs/results.md).

Only complete parts are seen: files that a killed writer left in the other tables are not.
"""

from __future__ import annotations

VIEWS = "views.sql"
_TABLES = ("flows", "pyramids")

_HEAD = """\
-- Views of this ensemble for DuckDB. In this folder:  duckdb -init views.sql
-- Or from Python:  con = duckdb.connect(); con.execute(open("views.sql").read())   (working folder: this one)
-- Sums of fractions are the same from run to run only with one thread and in order:
set threads = 1;
"""

_RESULTS = """\
-- One row a run, year and place: stocks of 1 January, flows during the year (null in the last year).
create or replace view results as
select * from read_parquet('parts/part-*.parquet');
"""

_OTHER = """\
create or replace view {table} as
select * exclude (filename) from read_parquet('{table}/part-*.parquet', filename = true)
where parse_filename(filename) in (select parse_filename(file) from glob('parts/part-*.parquet'));
"""

_PARAMETERS = """\
-- Value of every parameter in every draw; one row each also where two parts share a draw.
create or replace view parameters as
select distinct draw, name, value from read_parquet('parameters/part-*.parquet', filename = true)
where parse_filename(filename) in (select parse_filename(file) from glob('parts/part-*.parquet'));
"""

_EFFECTS = """\
-- Paired difference of every scenario from the baseline: the same people, parameters and chance.
create or replace view effects as
select s.scenario, s.draw, s.replicate, s.year, s.place,
       s.population - b.population as population,
       s.net_migration - b.net_migration as net_migration,
       s.jobs - b.jobs as jobs,
       s.wage - b.wage as wage
from results s join results b using (draw, replicate, year, place)
where b.scenario = 'baseline' and s.scenario <> 'baseline';
"""

_SUMMARY = """\
create or replace view summary as select * from read_csv('summary.csv');
"""


def views_of() -> str:
    """Content of views.sql."""
    return "\n".join(
        (_HEAD, _RESULTS, *(_OTHER.format(table=table) for table in _TABLES), _PARAMETERS, _EFFECTS, _SUMMARY)
    )
