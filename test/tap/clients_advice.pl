# What pgleash advise prints for a client is what that client understands: real pools made
# from the text take as many sessions as it says, under the application's own name.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use ClientTest;
use IPC::Run;
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;

my $pgleash = $ENV{PGLEASH} // "$ENV{PROJECT}/build/tool/pgleash";
my $server = ClientTest->start('advised');
my $admin = $server->{admin};

# Returns once its application has n sessions: with fewer in the pool, never.
$admin->query(q{CREATE FUNCTION crowd(n integer) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	WHILE (SELECT count(*) FROM pg_stat_activity
			WHERE application_name = current_setting('application_name')) < n LOOP
		PERFORM pg_stat_clear_snapshot();
		PERFORM pg_sleep(0.005);
	END LOOP;
	RETURN n;
END $$});

# A week's measurements of one application, from which a pool of four follows.
sub advice
{
	my ($application, $client) = @_;
	my $folder = PostgreSQL::Test::Utils::tempdir;
	my ($out, $error) = ('', '');
	my @connection = ('-h', '127.0.0.1', '-p', $server->node->port, '-d', 'postgres');
	IPC::Run::run([ $pgleash, @connection, 'snapshot', 'save', "$folder/now.json" ], '>', \$out, '2>', \$error)
	  or die $error;
	my $json = JSON::PP->new->utf8;
	my $saved = $json->decode(PostgreSQL::Test::Utils::slurp_file("$folder/now.json"));
	$saved->{applications} = [
		{
			application_name => $application, usename => 'shop', datname => 'postgres',
			sessions => 20, sessions_peak => 20, in_use_mean => 1, in_use_p999 => 3,
			statements => 100_000, known_since => '2020-01-01T00:00:00.000000Z'
		} ];
	append_to_file("$folder/week.json", $json->encode($saved));
	IPC::Run::run([ $pgleash, qw(advise pools --json --for), $client, '--from', "$folder/week.json" ],
		'>', \$out, '2>', \$error)
	  or die $error;
	my $pool = $json->decode($out)->{rows}[0];
	is($pool->{per_instance}, 4, "$client: four are advised");
	return $pool->{paste}[0]{text};
}

for my $case (
	[ 'node-postgres', 'advised_pg.mjs' ], [ 'prisma-7', 'advised_prisma.mjs' ],
	[ 'psycopg_pool', 'advised.py' ], [ 'asyncpg', 'advised.py' ], [ 'sqlalchemy', 'advised.py' ])
{
	my ($client, $file) = @$case;
	# names are at most 63 bytes long
	my $application = qq{${client}'s "<api>" \\ \$(x) `;--};
	my $program = $server->program('unnamed', $file, args => [$client], env => { ADVICE => advice($application, $client) });
	my $listeners = $program->says(qr/^ready ?(.*)/);
	my $of = "FROM leash.applications WHERE application_name = \$app\$$application\$app\$";
	is($server->until("SELECT sessions_peak || ' ' || opened $of", '4 4'), '4 4',
		"$client: 30 statements at once take four sessions, which say whose they are");
	is($listeners, 1, "$client: it outlives the end of a session") if $client eq 'node-postgres';
	is($program->finish, 0, "$client: it ends well");
}
is($server->value(q{SELECT count(*) FROM leash.applications WHERE application_name = 'unnamed'}), '0',
	'none went by another name');

done_testing();
