# leash.history: a row for each minute shows what happened in it, no more and no less,
# whatever is reset, dropped, locked or restarted in between.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use HistoryTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time usleep);

my $server = HistoryTest->start(
	'history',
	conf => [
		'max_connections = 20', 'superuser_reserved_connections = 0', "pg_leash.idle_in_transaction_threshold = '50ms'",
		'track_counts = on' ]);
my $node = $server->node;
my $admin = $server->{admin};

sub sum
{
	return join ', ', map { "sum($_)" } @_;
}

sub clients
{
	my ($count, %param) = @_;
	return map { $server->session(params => \%param) } 1 .. $count;
}

# Fields of all rows that cannot be right, whatever was done.
sub rows_are_sound
{
	my ($when) = @_;
	is($server->value('SELECT count(*) FROM leash.history WHERE least(used_peak, used_mean, active_peak, idle_in_transaction_peak,
		in_use_peak, opened, refused, leaked, reaped, statements, slow, blks_hit, blks_read, rows_read, rows_written,
		busy_seconds) < 0 OR cache_hit_ratio NOT BETWEEN 0 AND 1 OR greatest(used_peak, used_mean) > 20 OR opened > 1000
		OR statements > 1000000 OR blks_hit > 100000000 OR rows_written > 1000000'), '0', "$when: nothing is negative, no spike");
	is($server->value('SELECT count(*) - count(DISTINCT minute) FROM leash.history'), '0', "$when: no minute comes twice");
	is($server->value('SELECT count(*) FROM (SELECT minute <= lag(minute) OVER () AS wrong FROM leash.history) h WHERE wrong'),
		'0', "$when: the oldest comes first");
	return;
}

subtest 'minutes' => sub {
	my $from = $server->next_minute;
	$server->next_minute for 1 .. 4;
	is($server->value("SELECT bool_and(minute - before = '500ms') FROM (SELECT minute, lag(minute) OVER () AS before
		FROM leash.history WHERE minute >= '$from') h WHERE before IS NOT NULL"), 't', 'follow each other');
	is($server->value("SELECT count(*) FROM leash.history WHERE date_bin('500ms', minute, '2000-01-01') <> minute"), '0', 'begin on the minute');
	is($server->value("SELECT bool_and(covered BETWEEN '300ms' AND '20s') FROM leash.history WHERE minute > '$from'"), 't', 'and are watched');
	is($server->value("SELECT max(minute) BETWEEN clock_timestamp() - interval '30s' AND clock_timestamp() FROM leash.history"), 't', 'until now');
	is($server->value('SELECT history_rows > 0 AND total_history_time >= max_history_time FROM leash.worker'), 't', 'rows and their cost are counted');
};

subtest 'sessions and statements' => sub {
	my $before = $server->of($admin, 'statements');
	my @client;
	my $seen = $server->while_doing(
		sum(qw(opened statements slow)),
		sub {
			@client = clients(4);
			$client[0]->query('SELECT 1') for 1 .. 300;
			$client[1]->query('SET pg_leash.slow_statement_threshold = 0');
			$client[1]->query('SELECT 1') for 1 .. 5;
			$client[$_]->quit for 0 .. 1;
			$server->until("SELECT count(*) FROM leash.sessions", 3);
			$client[2]->query('SELECT 1') for 1 .. 200;
		});
	my ($opened, $statements, $slow) = split /\|/, $seen;
	my $mine = $server->of($admin, 'statements') - $before;
	is($opened, 4, 'opened');
	is($slow, 6, 'slow: the one that sets it counts too');
	cmp_ok($statements, '>=', 506, 'statements of sessions that live and of those that ended');
	cmp_ok($statements, '<=', 506 + $mine, 'each once');
	$_->quit for @client[2, 3];
	$server->until('SELECT count(*) FROM leash.sessions', 1);
};

subtest 'levels' => sub {
	my @busy = clients(3);
	my @open = clients(2);
	$_->send_query('SELECT pg_sleep(600)') for @busy;
	$_->query('BEGIN; SELECT 1') for @open;
	my @waiting = clients(4);
	$admin->query('CREATE TABLE things (id integer)');
	$_->try('COPY things FROM STDIN', 'G') for @waiting;
	$server->until('SELECT in_use - busy FROM leash.worker', 6);
	$server->next_minute;
	my $minute = $server->next_minute;
	my $row = sub { return $server->value("SELECT $_[0] FROM leash.history WHERE minute = '$minute'") };
	is($row->('used_peak, used_mean, idle_in_transaction_peak'), '10|10|2', 'used, idle in transaction');
	is($row->('active_peak BETWEEN 7 AND 8, in_use_peak BETWEEN 9 AND 10'), 't|t', 'active, in use');
	is($row->('busy_seconds BETWEEN 2.9 * extract(epoch FROM covered) AND 4.1 * extract(epoch FROM covered)'), 't',
		'busy: who waits for a client is not');
	$server->value("SELECT pg_terminate_backend($_->{pid})") for @busy;
	$_->quit for @open;
	$_->hang_up for @waiting;
	$server->until('SELECT count(*) FROM leash.sessions', 1);
	$server->next_minute;
	is($server->while_doing('max(used_peak), max(used_mean), max(idle_in_transaction_peak)', sub { $server->next_minute }), '1|1|0', 'and they are over');
};

# The mean is one over time: four sessions that stay for half of it count for two.
subtest 'the mean' => sub {
	my @client;
	my $seen = $server->while_doing(
		'sum(used_mean * extract(epoch FROM covered)) / sum(extract(epoch FROM covered)), sum(extract(epoch FROM covered))',
		sub {
			my $begin = time;
			@client = clients(4);
			$server->next_minute for 1 .. 2;
			$_->quit for @client;
			$server->until('SELECT count(*) FROM leash.sessions', 1);
			$server->{lasted} = time - $begin;
			$server->next_minute for 1 .. 2;
		});
	my ($mean, $whole) = split /\|/, $seen;
	my $expected = 1 + 4 * $server->{lasted} / $whole;
	cmp_ok(abs($mean - $expected), '<', 0.4, "is weighted by time ($mean, $expected)");
};

# While the worker sees nothing, sessions come and go.
subtest 'what no sample sees' => sub {
	my $seen = $server->while_doing(
		'max(used_peak), max(active_peak) <= 2',
		sub {
			my $worker = $server->value('SELECT pid FROM leash.worker');
			kill 'STOP', $worker;
			my @client = clients(6);
			$_->quit for @client;
			$server->until('SELECT count(*) FROM leash.sessions', 1);
			kill 'CONT', $worker;
		});
	is($seen, '7|t', 'is in the peak of sessions all the same');
};

subtest 'refused' => sub {
	$admin->query('CREATE ROLE limited LOGIN CONNECTION LIMIT 0');
	$admin->query('CREATE DATABASE closed CONNECTION LIMIT 0');
	$admin->query('CREATE ROLE plain LOGIN');
	is($server->while_doing(
			sum('refused'),
			sub {
				$server->session(user => 'limited') for 1 .. 2;
				$server->session(user => 'plain', dbname => 'closed') for 1 .. 3;
				$server->session(user => 'nobody_there') for 1 .. 4;
				my @client = clients(19);
				$server->session;
				$_->quit for @client;
			}), '6', 'for lack of a slot, and not for another reason');
	is($server->value('SELECT max(used_peak) FROM leash.history'), '20', 'and the peak shows why');
	$server->until('SELECT count(*) FROM leash.sessions', 1);
};

subtest 'leaked and reaped' => sub {
	my @leak;
	is($server->while_doing(
			'max(leaked), sum(reaped)',
			sub {
				@leak = clients(3);
				$_->query('BEGIN') for @leak;
				$server->next_minute;
			}), '3|0', 'the most at one time');
	is($server->while_doing('max(leaked), min(leaked)', sub { $server->next_minute }), '3|3', 'as long as they are');
	$server->thresholds(idle_in_transaction => '1ms');
	is($server->while_doing(
			sum('reaped'),
			sub {
				is($server->terminate($_), 'ended', 'reaped by hand') for @leak[0, 1];
				$leak[2]->query('COMMIT');
				$server->value("SELECT pg_terminate_backend($leak[2]{pid})");
				$server->until('SELECT count(*) FROM leash.sessions', 1);
			}), '2', 'counted, and who was ended by somebody else is not');
	$server->next_minute;
	is($server->while_doing('max(leaked), sum(reaped)', sub { $server->next_minute }), '0|0', 'and it is over');
};

# The worker judges nobody then, and still knows that nobody is leaked.
subtest 'nobody is there' => sub {
	my ($leak) = clients(1);
	$leak->query('BEGIN');
	is($server->while_doing('max(leaked)', sub { $server->next_minute }), '1', 'after a leak');
	$leak->quit;
	my $empty = 'SELECT count(*) > 0 FROM leash.history WHERE used_peak = 0';
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	do
	{
		$server->{admin}->quit;
		usleep 1_200_000;  # two minutes
		$server->connect_admin;
	} while ($server->value($empty) ne 't' && time < $until);
	is($server->value('SELECT max(leaked), max(active_peak), max(used_mean) FROM leash.history WHERE used_peak = 0'), '0|0|0', 'nobody is leaked');
	$admin = $server->{admin};
};

my ($client) = clients(1);

sub write_rows
{
	my ($count) = @_;
	$client->query("INSERT INTO things SELECT generate_series(1, $count)");
	$server->flush($client);
	return;
}

# Rows written while something is done.
sub rows_written
{
	my ($do) = @_;
	return $server->while_doing(sum('rows_written'), $do);
}

subtest 'blocks and rows' => sub {
	my $total = 'SELECT sum(blks_hit), sum(blks_read), sum(tup_returned), sum(tup_inserted + tup_updated + tup_deleted) FROM pg_stat_database';
	$server->flush($admin);
	is(rows_written(sub { write_rows(1000) }), '1000', 'inserted');
	is(rows_written(sub { $client->query('UPDATE things SET id = id'); $server->flush($client) }), '1000', 'updated');
	is(rows_written(sub { $client->query('DELETE FROM things WHERE id <= 300'); $server->flush($client) }), '300', 'deleted');
	my @before = split /\|/, $server->value($total);
	my @seen = split /\|/, $server->while_doing(
		sum(qw(blks_hit blks_read rows_read)) . ', max(cache_hit_ratio)',
		sub { $client->query('SELECT count(*) FROM things') for 1 .. 20; $server->flush($client) });
	$server->flush($admin);
	my @after = split /\|/, $server->value($total);
	cmp_ok($seen[$_], '<=', $after[$_] - $before[$_], 'no more than PostgreSQL says') for 0 .. 2;
	cmp_ok($seen[2], '>=', 20 * 700, 'rows that were read');
	cmp_ok($seen[0], '>=', 60, 'blocks found');
	cmp_ok($seen[3], '>', 0.5, 'and so the cache was hit');
	is($server->value('SELECT count(*) FROM leash.history WHERE cache_hit_ratio IS NOT NULL
		AND abs(cache_hit_ratio - blks_hit::float8 / (blks_hit + blks_read)) > 1e-9'), '0', 'the ratio is that of the blocks');
};

subtest 'statistics of PostgreSQL are reset' => sub {
	write_rows(3000);
	is(rows_written(sub { $admin->query('SELECT pg_stat_reset()'); write_rows(10) }), '10', 'what comes after counts');
	write_rows(20);
	is(rows_written(sub { $admin->query('SELECT pg_stat_reset()'); write_rows(5000) }), '5000', 'all of it, when it is more than before');
	is(rows_written(sub { write_rows(7) }), '7', 'and it goes on');
	$admin->query("SELECT pg_stat_reset_shared('bgwriter')");
	rows_are_sound('after resets');
};

subtest 'databases come and go' => sub {
	$admin->query('CREATE DATABASE other');
	my $other = $server->session(dbname => 'other');
	$other->query('CREATE TABLE things (id integer)');
	$server->flush($other);
	is(rows_written(
			sub {
				$other->query('INSERT INTO things SELECT generate_series(1, 4000)');
				$server->flush($other);
				write_rows(5);
			}), '4005', 'all of them count');
	$other->quit;
	$server->until('SELECT count(*) FROM leash.sessions', 2);
	my $seen = rows_written(sub { $admin->query('DROP DATABASE other'); write_rows(11); $server->flush($admin) });
	cmp_ok($seen, '>=', 11, 'a database is dropped: the others count on');
	cmp_ok($seen, '<', 100, 'and what it had counted is no difference');
	$seen = rows_written(
		sub {
			$admin->query('CREATE DATABASE fresh');
			my $fresh = $server->session(dbname => 'fresh');
			$fresh->query('CREATE TABLE things AS SELECT generate_series(1, 2000) AS id');
			$server->flush($fresh);
			$fresh->quit;
		});
	cmp_ok($seen, '>=', 2000, 'a new one counts from its begin');
	cmp_ok($seen, '<', 2200, 'and once');
	rows_are_sound('after databases went');
};

subtest 'a locked catalog' => sub {
	my ($locker) = clients(1);
	my $errors = $server->value('SELECT errors FROM leash.worker');
	is($server->while_doing(
			'bool_or(blks_hit IS NULL AND blks_read IS NULL AND rows_read IS NULL AND rows_written IS NULL AND cache_hit_ratio IS NULL), count(*) >= 3',
			sub {
				$locker->query('BEGIN; LOCK TABLE pg_database');
				$server->next_minute for 1 .. 3;
				write_rows(600);
				$server->next_minute;
				$locker->query('ROLLBACK');
				$server->next_minute;
			}), 't|t', 'blocks and rows are not known, and nobody waits');
	is($server->value('SELECT errors FROM leash.worker'), $errors, 'nor is it an error');
	is(rows_written(sub { write_rows(9) }), '9', 'and then they are again, without what was missed');
	$locker->quit;
};

subtest 'leash.reset' => sub {
	my @some;
	is($server->while_doing(
			sum(qw(opened refused slow)),
			sub {
				@some = clients(3);
				$server->session(user => 'limited');
				$some[0]->query('SET pg_leash.slow_statement_threshold = 0');
				$admin->query('SELECT leash.reset()');
				push @some, clients(2);
				$server->session(user => 'limited');
				$some[0]->query('SELECT 1');
				$server->next_minute;
			}), '5|2|2', 'takes nothing from the history');
	is($server->value('SELECT opened_total, refused_total, slow_statements_total FROM leash.connections'), '2|1|1', 'while the totals begin anew');
	$_->quit for @some;
	rows_are_sound('after a reset');
};

subtest 'another worker' => sub {
	my $before = $server->value('SELECT pid FROM leash.worker');
	my @some;
	is($server->while_doing(
			sum('opened') . ', max(rows_written) < 1000',
			sub {
				@some = clients(2);
				kill 'TERM', $before;
				push @some, clients(3);
				$server->until("SELECT running AND pid <> $before FROM leash.worker");
				$server->next_minute;
			}), '5|t', 'goes on where the other one ended');
	is(rows_written(sub { write_rows(8) }), '8', 'and counts');
	$_->quit for @some;
	rows_are_sound('after another worker');
};

# What happened in that time cannot be put down to a minute.
subtest 'a worker that was away for long' => sub {
	my $from = $server->next_minute;
	my $worker = $server->value('SELECT pid FROM leash.worker');
	kill 'STOP', $worker;
	my $stopped = $server->value('SELECT clock_timestamp()');
	my @some = clients(5);
	write_rows(2000);
	$server->until("SELECT clock_timestamp() > timestamptz '$stopped' + interval '6s'");
	kill 'CONT', $worker;
	$server->next_minute for 1 .. 2;
	is($server->value("SELECT sum(opened), sum(rows_written), min(minute) > timestamptz '$from' + interval '5s' FROM leash.history WHERE minute > '$from'"),
		'0|0|t', 'leaves a gap, and no spike after it');
	$_->quit for @some;
};

my $kept = 'SELECT md5(string_agg(h::text, \'\')) FROM leash.history h WHERE minute <= ';

subtest 'a restart' => sub {
	$server->next_minute;
	my $last = $server->next_minute;
	my $before = $server->value("$kept '$last'");
	my $rows = $server->value('SELECT count(*) FROM leash.history');
	$node->restart;
	$server->connect_admin;
	is($server->value("$kept '$last'"), $before, 'rows survive as they were');
	$server->next_minute for 1 .. 2;
	cmp_ok($server->value('SELECT count(*) FROM leash.history'), '>', $rows, 'and are added to');
	rows_are_sound('after a restart');
	is($server->value("SELECT sum(opened) <= 3, sum(rows_written) <= 100 FROM leash.history WHERE minute > '$last'"), 't|t', 'without a spike');
	$node->stop('fast');
	my $down = time;
	usleep 10_000 while time < $down + 1.5;
	$node->start;
	$server->connect_admin;
	$server->next_minute;
	is($server->value("SELECT max(minute - before) > '1s' FROM (SELECT minute, lag(minute) OVER () AS before FROM leash.history WHERE minute > '$last') h"),
		't', 'minutes in which it was down have no row');
};

subtest 'a crash' => sub {
	$server->next_minute for 1 .. 3;
	my ($last, $newest) = split /\|/,
	  $server->value("SELECT max(minute) FILTER (WHERE minute < newest), max(newest) FROM leash.history, (SELECT max(minute) AS newest FROM leash.history) n");
	my $before = $server->value("$kept '$last'");
	my ($victim) = clients(1);
	kill 'KILL', $victim->{pid};
	$_->last_words for $server->{admin}, $victim;
	$server->connect_admin;
	is($server->value("$kept '$last'"), $before, 'costs the minute that was saved last at most');
	$server->next_minute for 1 .. 2;
	rows_are_sound('after a crash');
	is($server->value("SELECT sum(opened) <= 3, sum(rows_written) <= 100 FROM leash.history WHERE minute > '$newest'"), 't|t', 'without a spike');
};

# What is saved takes up the minute again, when it is the same still.
subtest 'a quick restart' => sub {
	$node->append_conf('postgresql.conf', "pg_leash.debug_minute = '6s'");
	$node->restart;
	$server->connect_admin;
	my $opened = 0;
	for (1 .. 5)
	{
		my $from = $server->next_minute;
		my @some = clients(3);
		$node->restart;
		$server->connect_admin;
		push @some, clients(2);
		$server->next_minute;
		$opened = $server->value("SELECT opened FROM leash.history WHERE minute > '$from' ORDER BY minute LIMIT 1");
		last if $opened == 6;  # else the minute was over before the server was back
	}
	is($opened, '6', 'one row has what was before and after: five, and the admin');
	rows_are_sound('after a quick restart');
};

# The shortest ring there is.
subtest 'the oldest fall out' => sub {
	$node->append_conf('postgresql.conf', "pg_leash.debug_minute = '100ms'\npg_leash.history_retention = '1h'");
	$node->restart;
	$server->connect_admin;
	my $first = $server->next_minute;
	is($server->until("SELECT min(minute) > '$first' FROM leash.history"), 't', 'after an hour of minutes');
	is($server->value('SELECT count(*) <= 60 AND count(*) > 30 FROM leash.history'), 't', 'as many as there is room for');
	my ($oldest, $newest) = split /\|/, $server->value('SELECT min(minute), max(minute) FROM leash.history');
	is($server->until("SELECT min(minute) > '$oldest' AND max(minute) > '$newest' FROM leash.history"), 't', 'one by one');
	rows_are_sound('in a small ring');
	$node->restart;
	$server->connect_admin;
	is($server->value("SELECT count(*) > 0 FROM leash.history WHERE minute <= '$newest'"), 't', 'and the newest survive');
};

# No disk is woken each minute for nothing.
subtest 'a quiet server' => sub {
	my $file = $node->data_dir . '/pg_stat_tmp/pg_leash.stat';
	$server->next_minute for 1 .. 2;
	my $rows = $server->value('SELECT history_rows FROM leash.worker');
	my $saved = 0;
	my $last = 0;
	my $until = time + $PostgreSQL::Test::Utils::timeout_default;
	while ($saved < 6 && time < $until)
	{
		# by when it was written, to the nanosecond
		my $written = (Time::HiRes::stat($file))[9] // $last;
		$saved++ if $written != $last;
		$last = $written;
		usleep 5_000;
	}
	is($saved, 6, 'is saved now and then');
	# Three may be owed to what we did ourselves.
	cmp_ok($server->value('SELECT history_rows FROM leash.worker') - $rows, '>=', 25, 'each ten minutes');
};

unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
done_testing();
