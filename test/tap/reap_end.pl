# Policies from the table to the end of a session: what each criterion matches, how an
# escalation goes, what spares, and what is told to whom.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('policies');
my $admin = $server->{admin};
$admin->query('CREATE TABLE things (id integer)');

subtest 'a session idle in transaction is ended' => sub {
	my $log_begins = -s $server->node->logfile;
	$server->policy('idle-in-tx', states => q('{idle in transaction}'), idle_for => q('200ms'), action => q('terminate'));
	my $victim = $server->victim(application => 'victim', queries => [ 'BEGIN', "INSERT INTO things VALUES (1) /*route='cart'*/" ]);
	my $told = $victim->last_words;
	is($told->{C}, '57P01', 'the victim is told');
	like($told->{D},
		qr/^pg_leash ended this session by policy "idle-in-tx" after it was idle in transaction for [2-9]\d\dms\. Its transaction was opened by: INSERT INTO things/,
		'by which policy, after how long, and what opened its transaction');
	like($told->{H}, qr/^End every transaction with COMMIT or ROLLBACK/, 'and what to do');
	$server->until_journal($victim, 'ended');
	is($server->journal($victim, 'policy, by, mode, action, usename, datname, application_name, opener, reason, pid = ' . $victim->{pid}),
		q(idle-in-tx||enforce|terminate|postgres|postgres|victim|INSERT INTO things VALUES (1) /*route='cart'*/||t), 'the row');
	is($server->journal($victim, q(took > '0' AND took < '5s' AND leaked_for >= '200ms')), 't', 'its durations');
	$server->until(q{SELECT count(*) FROM things}, '0');
	my $log = substr slurp_file($server->node->logfile), $log_begins;
	like($log,
		qr/LOG:  pg_leash: terminate session \Q$victim->{session_id}\E pid=\d+: ended policy="idle-in-tx" user="postgres" database="postgres" application="victim" address=local .*leaked_for="\S+" weight="holds back xmin" blocked=0 took="\S+" opener="INSERT INTO things/,
		'the line in the log');
	my @lines = $log =~ /pg_leash: terminate session/g;
	is(scalar @lines, 1, 'one line');
};

done_testing();
