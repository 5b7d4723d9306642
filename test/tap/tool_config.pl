# pgleash: its file of settings, the PGLEASH_* variables, and "config show", which tells
# what is in force and who said so.  No server is needed.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use JSON::PP;
use PgleashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $home = PostgreSQL::Test::Utils::tempdir();
my $folder = "$home/.config/pgleash";
my $file = "$folder/config.toml";
mkdir "$home/.config";
mkdir $folder;

$ENV{HOME} = $home;
delete $ENV{$_} for grep { /^PGLEASH_|^XDG_|^PG(HOST|HOSTADDR|PORT|DATABASE|SERVICE|USER)$|COLOR/ } keys %ENV;

sub configure
{
	my ($text) = @_;
	open my $out, '>', $file or die $!;
	print {$out} $text;
	close $out or die $!;
	return;
}

# Rows of config show, by setting: [value, origin].
sub shown
{
	my (@arguments) = @_;
	my ($stdout, $stderr) = run_command([ $pgleash, '--json', @arguments, 'config', 'show' ]);
	is($stderr, '', 'nothing is wrong');
	return { map { $_->{setting} => [ $_->{value}, $_->{origin} ] } @{ decode_json($stdout)->{rows} } };
}

SKIP:
{
	skip 'this machine has settings of its own', 2 if -e '/etc/pgleash/config.toml';
	my ($stdout, $stderr) = run_command([ $pgleash, 'config', 'show' ]);
	like($stdout, qr/^SETTING +VALUE +ORIGIN\ndsn +default\nformat +table +default\n/, 'defaults');
	is($stderr, "pgleash: note: there is no file of settings; looked for /etc/pgleash/config.toml, $file",
		'and that there is no file');
}

configure("color = 'never'\n\n[health]\ntimeout = '3s'\nskip = ['worker', 'slow']\n"
	  . "[health.warning]\ncache_hit = '0.9:'\n[agentless]\nidle_threshold = '5min'\n");
{
	local $ENV{PGLEASH_HEALTH_TIMEOUT} = '4s';
	local $ENV{PGLEASH_HEALTH_WARNING_LEAKED} = '7';
	my $rows = shown('--idle-threshold', '90s');
	is_deeply($rows->{color}, [ 'never', "$file:1" ], 'from the file, with its line');
	is_deeply($rows->{'health.timeout'}, [ '4s', 'PGLEASH_HEALTH_TIMEOUT' ], 'a variable wins over the file');
	is_deeply($rows->{'health.skip'}, [ 'worker, slow', "$file:5" ], 'a list');
	is_deeply($rows->{'health.warning.cache_hit'}, [ '0.9:', "$file:7" ], 'a limit');
	is_deeply($rows->{'health.warning.leaked'}, [ '7', 'PGLEASH_HEALTH_WARNING_LEAKED' ], 'one from a variable');
	is_deeply($rows->{'agentless.idle_threshold'}, [ '1min 30s', 'command line' ], 'an option wins over both');
	is_deeply($rows->{'agentless.slow_statement_threshold'}, [ '1s', 'default' ], 'a default');
	is_deeply($rows->{format}, [ 'json', 'command line' ], 'the format too');
}

{
	local $ENV{PGLEASH_FORMAT} = 'csv';
	command_checks_all([ $pgleash, 'config', 'show' ], 0,
		[ qr/^setting,value,origin,fallback,variable\n.*^format,csv,PGLEASH_FORMAT,table,PGLEASH_FORMAT$/ms ],
		[qr/^$/], 'CSV, since a variable asks for it');
	local $ENV{PGLEASH_CONFIG} = '';
	is(shown()->{color}[1], 'default', 'an empty PGLEASH_CONFIG: no file');
}

# Where to connect.
sub asks
{
	my ($where, $name, @arguments) = @_;
	command_checks_all([ $pgleash, @arguments, 'status' ], 1, [qr/^$/],
		[qr{connection to server on socket "\Q$where\E/}], $name);
	return;
}
configure("dsn = 'host=/nonexistent1 password=secret'\n");
asks('/nonexistent1', 'the file tells where to connect');
{
	local $ENV{PGHOST} = '/nonexistent2';
	asks('/nonexistent2', 'a PG* variable wins over the file');
	local $ENV{PGLEASH_DSN} = 'host=/nonexistent3';
	asks('/nonexistent3', 'PGLEASH_DSN wins over both');
	asks('/nonexistent4', 'an option wins', '-h', '/nonexistent4');
	asks('/nonexistent5', 'a connection string too', '-d', 'host=/nonexistent5');
}

# Passwords are shown nowhere.
for my $format (qw(table json csv))
{
	for my $arguments ([], [ '-d', 'postgresql://me:secret@db1/shop' ])
	{
		my ($stdout, $stderr) = run_command([ $pgleash, '--format', $format, @$arguments, 'config', 'show' ]);
		like($stdout, qr/password=\*{8}/, "$format: there is a password");
		unlike("$stdout$stderr", qr/secret/, 'which is not shown');
	}
}
configure("dsn = 'password=secret host'\n");
command_checks_all([ $pgleash, 'status' ], 1, [qr/^$/],
	[qr/^pgleash: error: \Q$file\E:1:7: dsn: write a connection string or URI\n\z/], 'nor when it is wrong');

# What is wrong is named, whatever the command.
configure("colour = 'never'\n");
for my $command ([ 'config', 'show' ], ['status'], ['doctor'])
{
	command_checks_all([ $pgleash, @$command ], 1, [qr/^$/],
		[qr/^pgleash: error: \Q$file\E:1:1: unknown key "colour"; did you mean "color"\?\n\z/],
		"a wrong key: @$command");
}
command_checks_all([ $pgleash, 'health' ], 3,
	[qr/^PGLEASH UNKNOWN - \Q$file\E:1:1: unknown key "colour"/], [qr/^$/], 'health says it in its way');
configure('');
{
	local $ENV{PGLEASH_COLOR} = 'pink';
	command_checks_all([ $pgleash, 'config', 'show' ], 1, [qr/^$/],
		[qr/^pgleash: error: PGLEASH_COLOR: write auto, always or never\n\z/], 'a wrong variable');
}
{
	local $ENV{PGLEASH_COLOUR} = 'never';
	command_checks_all([ $pgleash, '--csv', 'config', 'show' ], 0, [qr/^color,auto,default,/m],
		[qr/^pgleash: warning: there is no setting for the variable PGLEASH_COLOUR; did you mean PGLEASH_COLOR\?\n\z/],
		'an unknown variable is warned of');
}

done_testing();
