# What a DBA is told of causes: leaks of one cause are one row that grows; what holds
# the server back without a session; who was turned away.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use Test::More;

my $server = LeashTest->start(
	'causes',
	init => { allows_streaming => 1 },
	conf => [ 'max_connections = 12', 'superuser_reserved_connections = 0', 'max_prepared_transactions = 2' ]);
my $admin = $server->{admin};
$admin->query('CREATE TABLE item (id integer)');

subtest 'leaks of one cause are one row' => sub {
	my @leaks = map {
		my $leak = $server->session(params => { application_name => "shop - 10.0.0.$_:500$_" });
		$leak->query("BEGIN; INSERT INTO item VALUES ($_) /*route='%2Fcart',traceparent='0-$_'*/");
		$server->until_at_rest($leak);
		$leak;
	} 1 .. 4;
	$server->thresholds(idle_in_transaction => '1ms');
	my $groups = "FROM leash.leak_groups WHERE application_name = 'shop'";
	is($server->until("SELECT sessions $groups", '4'), '4', 'four sessions of four hosts, with other data');
	is($server->value("SELECT kind, opener, route, last_hour $groups"),
		'idle in transaction|INSERT INTO item VALUES (?)|/cart|4', 'the cause is named');
	is($server->value("SELECT growth_per_hour = 240, exhausted_in BETWEEN '1 second' AND '1 hour' $groups"),
		't|t', 'it grows: four in the first minute, and seven slots are left');
	$_->quit for splice @leaks, 0, 2;
	is($server->until("SELECT growth_per_hour IS NULL AND exhausted_in IS NULL $groups", 't'), 't', 'two are no trend');
	$_->quit for @leaks;
	$server->thresholds;
};

subtest 'where nothing opened a transaction, the last statement is the clue' => sub {
	my @idle = map {
		my $session = $server->session(params => { application_name => 'lent' });
		$session->query("SELECT count(*) FROM item WHERE id = $_");
		$session;
	} 1 .. 2;
	$server->thresholds(idle => '1ms');
	my $groups = "FROM leash.leak_groups WHERE application_name = 'lent'";
	is($server->until("SELECT sessions $groups", '2'), '2', 'two sessions with other data');
	is($server->value("SELECT kind, opener IS NULL, last_statement $groups"),
		'unused|t|SELECT count(*) FROM item WHERE id = ?', 'are one row, with what both did last');
	$_->quit for @idle;
	$server->thresholds;
};

subtest 'orphans' => sub {
	is($server->value('SELECT count(*) FROM leash.orphans'), '0', 'none at first');
	$admin->query("BEGIN; INSERT INTO item VALUES (1); PREPARE TRANSACTION 'forgotten'");
	$admin->query("SELECT pg_create_physical_replication_slot('unread', true)");
	is($server->value("SELECT kind, name, since <= now(), holds ~ '^[1-9][0-9]* locks, xmin [0-9]+ transactions old' FROM leash.orphans WHERE kind = 'prepared transaction'"),
		'prepared transaction|forgotten|t|t', 'a prepared transaction');
	is($server->value("SELECT kind, name, holds ~ '^[0-9]+ [a-zA-Z]+ of WAL, slot type physical' FROM leash.orphans WHERE kind = 'inactive slot'"),
		'inactive slot|unread|t', 'a slot that nobody reads');
	$admin->query("SELECT pg_drop_replication_slot('unread')");
	$admin->query("ROLLBACK PREPARED 'forgotten'");
	is($server->value('SELECT count(*) FROM leash.orphans'), '0', 'none any more');
};

subtest 'refusals' => sub {
	is($server->value('SELECT count(*) FROM leash.refusals'), '0', 'none at first');
	my @all;
	push @all, $server->session(params => { application_name => 'crowd' }) while !@all || !$all[-1]{error};
	my $refused = pop @all;
	is($refused->{error}{C}, '53300', 'the server is full');
	is($server->value('SELECT reason, refused, minute <= now(), minute > now() - interval \'2 minutes\' FROM leash.refusals'),
		'too many clients|1|t|t', 'counted by minute and reason');
	is($server->value('SELECT reason, usename, datname, client_addr IS NULL FROM leash.last_refusals'),
		'too many clients|postgres|postgres|t', 'role and database are known');
	$_->quit for @all;
	$server->until("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'crowd'", '0');
	my $nobody = $server->session(user => 'nobody', dbname => 'nowhere');
	is($nobody->{error}{C}, '28000', 'an unknown role');
	is($server->value("SELECT usename, datname FROM leash.last_refusals WHERE reason = 'authentication'"),
		'nobody|nowhere', 'as the client gave them');
};

done_testing();
