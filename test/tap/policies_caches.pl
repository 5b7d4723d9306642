# PostgreSQL's caches may lose any entry whenever a catalog is looked at, and what was read from
# them is gone. Here they lose all of them each time, which servers built with assertions can do.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PolicyTest;
use Test::More;

my $server = PolicyTest->start('caches');
my $admin = $server->{admin};
plan skip_all => 'this server was built without assertions'
  if $server->value("SELECT max_val FROM pg_settings WHERE name = 'debug_discard_caches'") eq '0';

$admin->query("ALTER SYSTEM SET debug_discard_caches = 1");
$admin->query('SELECT pg_reload_conf()');
$server->until("SELECT current_setting('debug_discard_caches')", '1');
$server->policy('any gap', action => q('terminate'), states => q('{idle in transaction}'), idle_for => q('1us'));
my $victim = $server->victim(queries => [ 'BEGIN', 'SELECT count(*) FROM leash.policies' ]);
is($server->until_journal($victim, 'ended'), 'ended', 'policies are read, and act');
$server->policy('by name', action => q('terminate'), states => q('{idle in transaction}'), idle_for => q('1us'), roles => q('{nobody,postgres}'), databases => q('{postgres}'));
$victim = $server->victim(queries => [ 'BEGIN' ]);
is($server->until_journal($victim, 'ended'), 'ended', 'by role and database too');
isnt($server->value("SELECT count(*) FROM $_"), '0', "$_ can be read")
  for qw(leash.sessions leash.applications leash.policies leash.reap_log leash.health());
is($server->value('SELECT errors FROM leash.worker'), '0', 'the worker had no error');
done_testing();
