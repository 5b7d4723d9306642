# pgleash snapshot: what is known of a server, as a file.

use strict;
use warnings;

use JSON::PP ();
use PgleashTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf(
	'postgresql.conf', q{
shared_preload_libraries = 'pg_leash'
pg_leash.idle_in_transaction_threshold = '100ms'
pg_leash.slow_statement_threshold = '50ms'
});
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_leash; CREATE TABLE t (n int); INSERT INTO t VALUES (7)');
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;
$ENV{PGDATABASE} = 'postgres';

# A leak that blocks somebody, and a slow statement.
my $leak = $node->background_psql('postgres');
$leak->query_safe(q{SET application_name = 'shop <b>"api"</b>'});
$leak->query_safe(q{BEGIN; UPDATE t SET n = 8 WHERE n = 7 /* secret-in-comment */});
my $waiter = $node->background_psql('postgres');
$waiter->query_until(qr//, "UPDATE t SET n = 9;\n");
$node->poll_query_until('postgres', q{SELECT blocked_sessions = 1 FROM leash.leaks})
  or die 'no leak that blocks';
$node->safe_psql('postgres', 'SELECT pg_sleep(0.06)');

my $file = PostgreSQL::Test::Utils::tempdir . '/before.json';
my ($status, $stdout, $stderr) = pgleash('snapshot', 'save', $file);
is($status, 0, 'a snapshot is saved') or diag $stderr;
is($stdout, '', 'nothing goes to standard output');
like($stderr, qr/^pgleash: note: saved to .*1 causes? of leaks/, 'a note says what it holds');

my $text = PostgreSQL::Test::Utils::slurp_file($file);
my $document = JSON::PP::decode_json($text);
is($document->{document}, 'pgleash snapshot', 'it says what it is');
is($document->{connections}{max_connections}, 100, 'connections');
my ($cause) = @{ $document->{causes} };
is($cause->{application_name}, 'shop <b>"api"</b>', 'the application is named as it is');
is($cause->{opener}, 'UPDATE t SET n = ? WHERE n = ?', 'with the opener, literals masked');
is($cause->{blocked_sessions}, 1, 'and what it blocks');
ok((grep { $_->{query} =~ /pg_sleep/ } @{ $document->{slow} }), 'slow statements');
my ($open) = grep { $_->{blocked_by} > 0 } @{ $document->{transactions} };
is($open->{application_name}, 'shop <b>"api"</b>', 'the open transaction that others wait for');
ok((grep { $_->{name} eq 'max_connections' } @{ $document->{settings} }), 'settings');
ok((grep { $_->{datname} eq 'postgres' } @{ $document->{databases} }), 'databases');
unlike($text, qr/secret-in-comment|n = 8/, 'no literal, no comment');

($status, my $plan) = pgleash('plan', '--from', $file);
is($status, 0, 'a plan is made from it');
like($plan, qr/shop/, 'which names the leak');
unlike($plan, qr/^Pools$/m, 'and is no advice on pools');
($status, $stdout, $stderr) = pgleash('advise', 'pools', '--from', $file, '--force');
is($status, 0, 'so is advice') or diag $stderr;
like($stdout, qr/^APPLICATION/m, 'on pools');

($status, $stdout, $stderr) = pgleash('snapshot', 'save', "$file/none/x.json");
is($status, 1, 'a file that cannot be written is a failure');
like($stderr, qr/cannot write ".*x\.json"/, 'which names the file');
($status, $stdout, $stderr) = pgleash('snapshot', 'save');
is($status, 2, 'a file must be given');
like($stderr, qr/no file given/, 'and the message says so');

$leak->quit;
$waiter->quit;
$node->stop;
done_testing();
