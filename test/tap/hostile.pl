# Names and texts that were made to be taken for something else, roles that may look and
# not see, and schemas of others in the extension's way.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ControlTest;
use JSON::PP;
use LeashTest;
use PolicyTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = PolicyTest->start('hostile', conf => [ 'log_statement = none', "pg_leash.slow_statement_threshold = 0" ]);
my $node = $server->node;
my $admin = $server->{admin};
$admin->query($_) for 'CREATE ROLE victim LOGIN', 'CREATE ROLE curious LOGIN', 'GRANT USAGE ON SCHEMA leash TO curious',
  'GRANT SELECT ON ALL TABLES IN SCHEMA leash TO curious', 'CREATE ROLE signaller LOGIN IN ROLE pg_signal_backend';

# Formats, quotes, ends of lines and of strings, escape sequences, what JSON and SQL end with.
my $nasty = qq(%n%s%99999d'";--\\x41\\\n2026-01-01 00:00:00 UTC [1] LOG:  forged\r\t\e[31m\x{c3}\x{a9}</script>{"a":1});
my $forged = qr/^2026-01-01 00:00:00 UTC \[1\] LOG:  forged/m;

subtest 'texts that pass through everything' => sub {
	my $log = -s $node->logfile;
	my $listener = $server->session(params => { application_name => 'listener' });
	$listener->query('LISTEN pg_leash');
	my $insert = sub {
		my $quoted = $_[0] =~ s/'/''/gr;
		return $admin->sqlstate("INSERT INTO leash.policies (name, mode, applications, idle_for, states, action, include_superusers)
			VALUES ('$quoted', 'enforce', '{victim*}', '100ms', '{idle in transaction}', 'notify', true)");
	};
	is($insert->($_), '22023', 'a name with a control character is refused') for "a\nb", "\e[31m", "tab\t", "\x7f";
	my $name = $nasty =~ s/\n.*\e//sr;
	is($insert->($name), '', 'any other name is not');
	is($server->until('SELECT name FROM leash.policies_in_force', $name), $name, 'and is in force under that name');
	my $victim = $server->session(user => 'victim', params => { application_name => "victim $nasty" });
	my $id = $server->session_id($victim);
	$victim->query('BEGIN');
	$victim->query("SELECT \$\$$nasty\$\$ /*route='%0A2026-01-01%20LOG%22%25n$name',a='\\'*/");
	is($server->until("SELECT count(*) FROM leash.reap_log WHERE session_id = '$id'", '1'), '1', 'the policy acts');
	until_true(sub { $listener->query('SELECT 1'); return scalar @{ $listener->{notified} // [] } });
	my $told = eval { decode_json($listener->{notified}[0] // '') } // {};
	my $text = $name;
	utf8::decode($text);
	is($told->{policy}, $text, 'the notification is JSON with that name');
	is(join(' ', sort keys %$told), 'kind leaked_seconds policy session_id sessions', 'and nothing more');
	my $row = eval { control_row($node, 'sessions', $victim) } // {};
	like($row->{opener}, qr/%n%s%99999d/, 'so is what the control socket answers');
	is($server->of($victim, 'opener ~ \'forged\' AND tags IS NOT NULL AND last_statement IS NOT NULL'), 't', 'the views have the texts');
	$server->until_at_rest($victim);
	is($server->terminate($victim, reason => $nasty), 'ended', 'it is ended, with such a reason');
	my $words = $victim->last_words;
	is($words->{C}, '57P01', 'and told so');
	like($words->{D}, qr/\Q%n%s%99999d\E/, 'with the reason as it was given');
	my @mine = grep { /pg_leash/ } split /\n/, substr(slurp_file($node->logfile), $log);
	my ($line) = grep { /terminate session \Q$id\E/ } @mine;
	like($line, qr/reason="%n%s%99999d'\\";--\\\\x41\\\\\\n2026/, 'in the log it is in one line, escaped');
	unlike($line, qr/[\x00-\x1f]/, 'without a control character');
	unlike(join("\n", map { s/^\t.*//r } split /\n/, substr(slurp_file($node->logfile), $log)), $forged, 'no line of the log is forged');
	$admin->query('DELETE FROM leash.policies');
	$listener->quit;
};

# Wherever a text of another role's session can be there is the word "s3cret".
subtest 'who looks and may not see' => sub {
	my $victim = $server->session(user => 'victim', params => { application_name => 'open' });
	my $ended = $server->session(user => 'victim', params => { application_name => 'open' });
	for my $session ($victim, $ended)
	{
		$server->session_id($session);
		$session->query($_) for 'BEGIN', "SELECT 's3cret' /*route='s3cret'*/";
	}
	$server->until_at_rest($ended);
	is($server->terminate($ended, reason => 's3cret'), 'ended', 'one is ended');
	my $objects = q(SELECT 'leash.' || relname::text FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind = 'v'
		UNION ALL SELECT 'leash.' || proname::text || '()' FROM pg_proc
		WHERE pronamespace = 'leash'::regnamespace AND proname ~ '^get_' AND pronargs = 0);
	my @objects = map { $_->[0] } @{ $admin->query($objects) };
	cmp_ok(scalar @objects, '>', 20, scalar @objects . ' views and functions');
	my $seen = sub {
		my ($who) = @_;
		return join ' ', sort grep { $who->try("SELECT count(*) FROM (SELECT to_jsonb(o)::text AS t FROM $_ o) r WHERE t ~ ('s3' || 'cret')")->[0][0] // 0 } @objects;
	};
	my $all = join ' ', sort map { ("leash.$_", "leash.get_$_()") } qw(reap_log sessions slow_statements);
	is($seen->($admin), $all, 'a superuser sees it');
	my $curious = $server->session(user => 'curious', params => { application_name => 'curious' });
	is($seen->($curious), '', 'who was granted the views sees it nowhere');
	my $signaller = $server->session(user => 'signaller', params => { application_name => 'signaller' });
	is($seen->($signaller), '', 'nor does pg_signal_backend alone');
	$admin->query('GRANT victim TO curious');
	is($seen->($curious), $all, 'a member of the role sees it');
	$admin->query('REVOKE victim FROM curious');
	is($seen->($curious), '', 'until it is none');
	$curious->query('SET application_name = \'victim\'');
	is($curious->sqlstate("SELECT leash.terminate('$victim->{session_id}')"), '42501', 'and it ends nobody');
	is($signaller->value("SELECT leash.terminate('$victim->{session_id}')"), 'ended', 'as pg_signal_backend does');
	is($signaller->sqlstate('SELECT leash.terminate(\'' . $server->session_id($admin) . '\', NULL, true)'), '42501', 'but no superuser');
	$_->quit for $curious, $signaller;
};

# Somebody who may create schemas in a database was there before the extension.
subtest 'a schema that is in the way' => sub {
	$admin->query($_) for 'CREATE DATABASE squatted', 'GRANT CREATE ON DATABASE squatted TO curious';
	my $curious = $server->session(user => 'curious', dbname => 'squatted');
	$curious->query($_) for 'CREATE SCHEMA leash', q(CREATE TABLE leash.policies (name text, mode text, action text, enabled boolean)),
	  q(INSERT INTO leash.policies VALUES ('mine', 'enforce', 'terminate', true)),
	  'CREATE FUNCTION leash.check_policy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$';
	my $super = $server->session(dbname => 'squatted', params => { application_name => 'super' });
	is($super->sqlstate('CREATE EXTENSION pg_leash'), '42P06', 'the extension is not made in a schema of somebody else');
	is($super->sqlstate('CREATE EXTENSION pg_leash SCHEMA leash'), '0A000', 'nor when it is asked for');
	is($super->value('SELECT count(*) FROM pg_extension WHERE extname = \'pg_leash\''), '0', 'nothing of it is there');
	$admin->query(q(ALTER SYSTEM SET pg_leash.database = 'squatted'));
	$admin->query('SELECT pg_reload_conf()');
	like($server->until("SELECT policies_error FROM leash.worker WHERE policies_error ~ 'squatted'",
		'extension pg_leash is not installed in database "squatted", which pg_leash.database names'), qr/not installed/, 'policies of that table are not read');
	is($server->value('SELECT count(*) FROM leash.policies_in_force'), '0', 'none is in force');
	$admin->query('ALTER SYSTEM RESET pg_leash.database');
	$admin->query('SELECT pg_reload_conf()');
	$_->quit for $curious, $super;
};

# Functions and operators of somebody else come first while the extension is made and used.
subtest 'a search_path with a trap' => sub {
	$admin->query($_) for 'CREATE DATABASE trapped', 'GRANT CREATE ON DATABASE trapped TO curious';
	my $curious = $server->session(user => 'curious', dbname => 'trapped');
	$curious->query($_) for 'CREATE SCHEMA trap', 'GRANT ALL ON SCHEMA trap TO PUBLIC',
	  q(CREATE FUNCTION trap.sprung() RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'sprung'; END $$);
	for my $function ('age(xid) RETURNS integer', 'now() RETURNS integer', 'pg_is_in_recovery() RETURNS integer', 'pg_wal_lsn_diff(pg_lsn, pg_lsn) RETURNS integer',
		'pg_size_pretty(numeric) RETURNS integer', 'equal(text, text) RETURNS integer', 'equal(name, text) RETURNS integer', 'to_jsonb(anyelement) RETURNS integer',
		'count(integer) RETURNS integer', 'pg_extension_config_dump(regclass, text) RETURNS integer')
	{
		$curious->query("CREATE FUNCTION trap.$function LANGUAGE sql AS 'SELECT trap.sprung()'");
	}
	$curious->query("CREATE OPERATOR trap.= (LEFTARG = $_, RIGHTARG = text, FUNCTION = trap.equal)") for qw(text name);
	$curious->query('CREATE DOMAIN trap.text AS integer; CREATE DOMAIN trap.interval AS integer');
	my $super = $server->session(dbname => 'trapped', params => { application_name => 'super' });
	$super->query($_) for 'SET search_path = trap, pg_temp, pg_catalog', 'CREATE EXTENSION pg_leash';
	my @views = map { $_->[0] } @{ $admin->query(q(SELECT 'leash.' || relname::text FROM pg_class WHERE relnamespace = 'leash'::regnamespace AND relkind = 'v')) };
	is($super->sqlstate("SELECT * FROM $_"), '', "nothing is sprung by $_") for sort @views;
	is($super->sqlstate("SELECT $_"), '', "nor by $_")
	  for q(leash.health()), q(leash.reap(true)), q(leash.compute_hours()), q(leash.terminate('1.1')), q(leash.cancel('1.1')), q(leash.lease('1min', 'x')), q(leash.release()), q(leash.reset());
	is($super->sqlstate(q(INSERT INTO leash.policies (name, kinds) VALUES ('p', '{unused}'))), '', 'nor by a policy');
	is($super->value(q(SELECT count(*) FROM pg_catalog.pg_depend d JOIN pg_catalog.pg_proc p ON d.refobjid OPERATOR(pg_catalog.=) p.oid
		JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) p.pronamespace
		WHERE n.nspname OPERATOR(pg_catalog.=) 'trap'::name AND d.classid OPERATOR(pg_catalog.=) 'pg_catalog.pg_rewrite'::regclass)), '0', 'no view depends on a trap');
	$_->quit for $curious, $super;
};

is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|signal 11|signal 6/, 'nothing in the log that must not be there');
done_testing();
