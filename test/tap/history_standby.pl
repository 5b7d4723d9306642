# The history of a standby is its own, and goes on when it is promoted.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use HistoryTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $primary = HistoryTest->start('primary', init => { allows_streaming => 1 });
$primary->{admin}->query('CREATE TABLE things AS SELECT generate_series(1, 1000) AS id');
$primary->next_minute for 1 .. 2;
$primary->node->backup('base');
my $node = PostgreSQL::Test::Cluster->new('standby');
$node->init_from_backup($primary->node, 'base', has_streaming => 1);
$node->start;
my $standby = HistoryTest->attach($node);

is($standby->value('SELECT count(*) FROM leash.history WHERE minute < pg_postmaster_start_time() - interval \'1s\''),
	'0', 'the primary\'s is not taken along');
is($standby->while_doing(
		'sum(opened), sum(rows_read) >= 5000, sum(blks_hit) > 0, max(used_peak)',
		sub {
			my $client = $standby->session;
			$client->query('SELECT count(*) FROM things') for 1 .. 5;
			$standby->flush($client);
			$client->quit;
		}), '1|t|t|2', 'a standby counts what happens on it');
is($standby->value("SELECT value >= 0 FROM leash.health() WHERE \"check\" = 'xmin_age'"), 't', 'leash.health answers there');
my $rows = $standby->value('SELECT count(*) FROM leash.history');
$node->promote;
is($standby->while_doing(
		'sum(rows_written)',
		sub {
			my $client = $standby->session;
			$client->query('INSERT INTO things SELECT generate_series(1, 50)');
			$standby->flush($client);
			$client->quit;
		}), '50', 'goes on after the promotion');
cmp_ok($standby->value('SELECT count(*) FROM leash.history'), '>', $rows, 'with the rows that it had');
is($standby->value('SELECT count(*) FROM (SELECT minute <= lag(minute) OVER () AS wrong FROM leash.history) h WHERE wrong'), '0', 'in order');
is($standby->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
done_testing();
