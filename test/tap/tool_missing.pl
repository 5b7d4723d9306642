# What pgleash says when server, extension and library do not fit together, or are not there.
use strict;
use warnings;

use IPC::Run;
use JSON::PP ();
use LeashTest;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $test = LeashTest->start('main', conf => ['pg_leash.track = off']);
my $admin = $test->{admin};
@ENV{qw(PGHOST PGPORT PGDATABASE PGUSER)} = ($test->node->host, $test->node->port, 'postgres', 'postgres');

# The finding of one check of the doctor's: "status: message -> remedy".
sub doctor
{
	my ($check, @arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash('doctor', '--json', @arguments);
	is($stderr, '', "doctor, $check: nothing on standard error");
	my $document = JSON::PP->new->utf8->decode($stdout);
	is($status, $document->{healthy} ? 0 : 1, "doctor, $check: exit status");
	my ($row) = grep { $_->{check} eq $check } @{ $document->{rows} };
	return join ' -> ', "$row->{status}: $row->{message}", $row->{remedy} // ();
}

sub says
{
	my ($message, $name, @arguments) = @_;
	my ($status, $stdout, $stderr) = pgleash(@arguments);
	is("$status$stdout", '1', "$name: exit status, no output");
	like($stderr, qr/\Apgleash: error: $message\n\z/, "$name: one line with the remedy");
	return;
}

subtest 'the doctor' => sub {
	is(doctor('pg_leash.track'),
		'problem: off: no statistics are kept -> ALTER SYSTEM SET pg_leash.track = on; SELECT pg_reload_conf();',
		'statistics are off');
	like(doctor('server', '-h', '/nowhere'),
		qr/^problem: connection to server on socket "\/nowhere\/.*failed: .*; check that the server runs there \(-h, -p\)$/,
		'no server');
	like((pgleash('doctor', '--csv'))[1], qr/^check,status,message,remedy\n(?:.*\n)*pg_leash\.track,problem,off: no/,
		'as CSV');

	my $version = $test->value(q{SELECT extversion FROM pg_extension WHERE extname = 'pg_leash'});
	$admin->query(q{UPDATE pg_extension SET extversion = '99.0' WHERE extname = 'pg_leash'});
	like(doctor('library'),
		qr/^problem: version [\d.]+, the extension is 99\.0 -> restart the server, so that it loads the library that is installed$/,
		'an older library is loaded');
	$admin->query("UPDATE pg_extension SET extversion = '$version' WHERE extname = 'pg_leash'");

	$admin->query('CREATE ROLE nobody LOGIN');
	is(doctor('library', '-U', 'nobody'), 'skipped: nobody may not ask', 'who may not ask');
	is(doctor('preload', '-U', 'nobody'), 'ok: the library is loaded', 'who may not see what is preloaded');

	$admin->query(q{UPDATE pg_proc SET probin = '$libdir/pg_nowhere' WHERE proname = 'library_version'});
	like(doctor('library'), qr/^problem: could not access file ".*pg_nowhere".* -> install the package of pg_leash on the server$/,
		'no library');
	$admin->query('DROP EXTENSION pg_leash CASCADE');
	is(doctor('library'), 'skipped: the extension is not in this database', 'no extension, no library');
	$admin->query('CREATE EXTENSION pg_leash');
};

subtest 'commands' => sub {
	my $set = sub { $admin->query("UPDATE pg_proc SET $_[0] WHERE proname = 'terminate' AND pronamespace = 'leash'::regnamespace") };
	my ($symbol, $library) = split /\|/,
	  $test->value(q{SELECT prosrc || '|' || probin FROM pg_proc WHERE proname = 'terminate' AND pronamespace = 'leash'::regnamespace});
	$set->(q{prosrc = 'leash_nonesuch'});
	says(qr/the library pg_leash is older than the extension in database "postgres" \(could not find function .*\); restart the server so that it loads the installed one/,
		'a function that the library lacks', qw(terminate 1.2));
	$set->(qq{prosrc = '$symbol', probin = '\$libdir/pg_nowhere'});
	says(qr/could not access file .*; install the package of pg_leash on the server/,
		'a library that is not there', qw(terminate 1.2));
	$set->("probin = '$library'");

	$admin->query('ALTER EXTENSION pg_leash DROP VIEW leash.slow_statements');
	$admin->query('DROP VIEW leash.slow_statements');
	says(qr/the extension pg_leash [\d.]+ in database "postgres" lacks something \(relation "leash\.slow_statements" does not exist\); run there: ALTER EXTENSION pg_leash UPDATE/,
		'a view that the extension lacks', qw(slow));
};

$test->node->stop;
done_testing();
