# Texts of sessions in databases of other encodings, and names that clients choose to
# do harm: every view answers, in every database, with valid text.
use strict;
use warnings;

use Encode ();
use FindBin;
use lib $FindBin::RealBin;

use LeashTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $server = LeashTest->start('encoding', conf => ['pg_leash.slow_statement_threshold = 0']);
my $admin = $server->{admin};
my %encoding = (utf8 => 'UTF8', latin => 'LATIN1', ascii => 'SQL_ASCII');
my %reader;
for my $name (sort keys %encoding)
{
	$admin->query("CREATE DATABASE $name ENCODING '$encoding{$name}' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0");
	$reader{$name} = $server->session(dbname => $name);
	$reader{$name}->query('CREATE EXTENSION pg_leash');
	$reader{$name}->query('SET pg_leash.slow_statement_threshold = -1');
	$reader{$name}->query('SET pg_leash.idle_in_transaction_threshold = 1');
}

# Whether bytes are text in a database's encoding; SQL_ASCII has no rule, so that
# nothing but ASCII is safe there.
sub is_valid
{
	my ($bytes, $name) = @_;
	return $name eq 'utf8' ? defined eval { Encode::decode('UTF-8', $bytes, Encode::FB_CROAK | Encode::LEAVE_SRC) }
	  : $name eq 'latin' ? $bytes !~ /[\x80-\x9f]/
	  : $bytes !~ /[\x80-\xff]/;
}

# Reads each view whole, in each database, as rows and as JSON.
sub all_views_answer
{
	my ($when) = @_;
	for my $name (sort keys %reader)
	{
		for my $view (qw(sessions leaks leak_groups slow_statements connections))
		{
			$reader{$name}->try("SELECT v FROM leash.$view v");
			is($reader{$name}{error} && $reader{$name}{error}{M}, undef, "$when: leash.$view in $name");
			my $rows = $reader{$name}->try("SELECT row_to_json(v)::jsonb FROM leash.$view v");
			is($reader{$name}{error} && $reader{$name}{error}{M}, undef, "$when: leash.$view in $name as JSON");
		}
	}
	return;
}

# What each database shows of a session: opener, last statement, slow statement.
sub shown
{
	my ($reader, $client) = @_;
	my %text;
	for my $column (qw(opener last_statement))
	{
		$text{$column} = $reader->value("SELECT $column FROM leash.sessions WHERE pid = $client->{pid}");
	}
	$text{slow} = $reader->value("SELECT query FROM leash.slow_statements WHERE pid = $client->{pid} ORDER BY finished_at DESC LIMIT 1");
	$text{leak} = $reader->value("SELECT opener FROM leash.leaks WHERE pid = $client->{pid}");
	return %text;
}

subtest 'statements' => sub {
	# database of the session, what it sends, and what each database shows of it
	my @cases = (
		[ 'latin', qq{SELECT 1 AS "M\xfcller"}, { latin => qq{SELECT 1 AS "M\xfcller"}, utf8 => qq{SELECT 1 AS "M\xc3\xbcller"}, ascii => qq{SELECT 1 AS "M?ller"} } ],
		[ 'utf8', qq{SELECT 1 AS "M\xc3\xbcller"}, { latin => qq{SELECT 1 AS "M\xfcller"}, utf8 => qq{SELECT 1 AS "M\xc3\xbcller"}, ascii => qq{SELECT 1 AS "M??ller"} } ],
		[ 'utf8', qq{SELECT 1 AS "5 \xe2\x82\xac, \xf0\x9f\x98\x80, \xc3\xbc"}, { latin => qq{SELECT 1 AS "5 ?, ?, \xfc"}, utf8 => qq{SELECT 1 AS "5 \xe2\x82\xac, \xf0\x9f\x98\x80, \xc3\xbc"} } ],
		[ 'ascii', qq{SELECT 1 AS "\xff\xfe\xfc"}, { latin => qq{SELECT 1 AS "\xff\xfe\xfc"}, utf8 => qq{SELECT 1 AS "???"} } ],
		[ 'ascii', qq{SELECT 1 AS "M\xc3\xbcller"}, { utf8 => qq{SELECT 1 AS "M\xc3\xbcller"} } ],
		[ 'ascii', qq{SELECT 1 AS "cut \xc3"}, { utf8 => qq{SELECT 1 AS "cut ?"} } ],
		[ 'ascii', qq{SELECT 1 AS "plain"}, { latin => qq{SELECT 1 AS "plain"}, utf8 => qq{SELECT 1 AS "plain"}, ascii => qq{SELECT 1 AS "plain"} } ]);
	for (@cases)
	{
		my ($database, $sql, $expected) = @$_;
		my $client = $server->session(dbname => $database);
		$client->query($_) for 'BEGIN', $sql;
		$server->until_at_rest($client);
		for my $name (sort keys %$expected)
		{
			$reader{$name}->value("SELECT count(*) FROM leash.leaks WHERE pid = $client->{pid}")
			  until $reader{$name}->value("SELECT leak IS NOT NULL FROM leash.sessions WHERE pid = $client->{pid}") eq 't';
			my %text = shown($reader{$name}, $client);
			for my $where (sort keys %text)
			{
				my $text = $expected->{$name};
				$text =~ s/SELECT 1/SELECT ?/ if $where eq 'slow';  # literals are masked there
				is($text{$where}, $text, "$where of $database in $name");
			}
		}
		$client->quit;
	}
};

subtest 'tags' => sub {
	my $client = $server->session(dbname => 'latin');
	$client->query("SELECT 1 /*weg='stra\xdfe',kodiert='%FC',\xfc='1'*/");
	$server->until_at_rest($client);
	is($reader{utf8}->value("SELECT tags FROM leash.sessions WHERE pid = $client->{pid}"),
		"{\"\xc3\xbc\": \"1\", \"weg\": \"stra\xc3\x9fe\", \"kodiert\": \"\xc3\xbc\"}", 'of a LATIN1 session in UTF8');
	$client->quit;
	$client = $server->session(dbname => 'ascii');
	$client->query("SELECT 1 /*a='\xff',b='%ff',\xfe='1'*/");
	$server->until_at_rest($client);
	is($reader{utf8}->value("SELECT tags FROM leash.sessions WHERE pid = $client->{pid}"), '{"?": "1", "a": "?", "b": "?"}', 'of invalid bytes in UTF8');
	$client->quit;
};

# PostgreSQL cuts its own copy byte by byte.
subtest 'long statements' => sub {
	for my $shift (0 .. 2)
	{
		my $client = $server->session(dbname => 'utf8');
		$client->query($_) for 'BEGIN', "SELECT '" . 'x' x $shift . "\xe2\x82\xac" x 600 . "'";
		$server->until_at_rest($client);
		for my $name (sort keys %reader)
		{
			my %text = shown($reader{$name}, $client);
			ok(is_valid($text{$_}, $name), "$_, cut in the middle of a character or not, is valid in $name") for sort keys %text;
			cmp_ok(length $text{last_statement}, '>=', $name eq 'utf8' ? 1020 : 300, "and not cut short in $name");
		}
		$client->quit;
	}
};

subtest 'reasons' => sub {
	my $victim = $server->session(dbname => 'latin');
	my $id = $server->session_id($victim);
	$server->until_at_rest($victim);
	is($reader{utf8}->value("SELECT leash.terminate('$id', 'f\xc3\xbcr alle')"), 'ended', 'ended from a UTF8 database');
	my $detail = $victim->last_words->{D};
	ok(is_valid($detail, 'ascii') || is_valid($detail, 'latin'), 'the detail is valid in the victim\'s encoding');
	like($detail, qr/: f(\xfc|\?+)r alle\. /, 'and has the reason');
};

subtest 'names of applications' => sub {
	my %name = (
		'control characters' => "a\nb\tc\e[2J\x01\x7f",
		'quotes' => q(it's "quoted" \\ $$ */ -- %s),
		'invalid encoding' => "\xff\xfe\xc3",
		'an umlaut' => "M\xc3\xbcller",
		'a long one' => 'x' x 9000,
		'a long one of umlauts' => "\xc3\xbc" x 4000,
		'none' => '');
	for my $what (sort keys %name)
	{
		my $client = $server->session(params => { application_name => $name{$what} });
		$client->query($_) for 'BEGIN', "SELECT 'named'";
		$server->until_at_rest($client);
		my $shown = $reader{utf8}->value("SELECT application_name FROM leash.sessions WHERE pid = $client->{pid}");
		like($shown, qr/^[\x20-\x7e]{0,63}$/, "$what: shown as plain characters");
		is($reader{$_}->value("SELECT application_name FROM leash.sessions WHERE pid = $client->{pid}"), $shown, "$what: in $_")
		  for sort keys %reader;
		is($reader{utf8}->value("SELECT DISTINCT application_name FROM leash.slow_statements WHERE pid = $client->{pid}"), $shown,
			"$what: of slow statements");
		is($reader{utf8}->value("SELECT a.application_name = s.application_name FROM pg_stat_activity a JOIN leash.sessions s USING (pid) WHERE pid = $client->{pid}"),
			't', "$what: as in pg_stat_activity");
		is($shown, $name{$what}, "$what: as it was given") if $what eq 'quotes' || $what eq 'none';
		all_views_answer($what) if $what =~ /control|invalid/;
		$client->quit;
	}
	my $client = $server->session;
	$client->query('SET application_name = \'' . 'y' x 10240 . '\'');
	$server->until_at_rest($client);
	is($server->of($client, 'application_name'), 'y' x 63, '10 KB, set later');
	$client->quit;
};

# Names of roles and databases are shared by all databases, in the bytes of the one
# where they were made.
subtest 'names of roles and databases' => sub {
	my $latin = $server->session(dbname => 'latin');
	$latin->query("CREATE ROLE \"J\xfcrgen\" LOGIN");
	$latin->query("CREATE DATABASE \"b\xfccher\" TEMPLATE template0");
	my $client = $server->session(user => "J\xfcrgen", dbname => "b\xfccher");
	$client->query($_) for 'BEGIN', "SELECT 'named'";
	$server->until_at_rest($client);
	for my $name (sort keys %reader)
	{
		is($reader{$name}->value("SELECT usename, datname FROM leash.sessions WHERE pid = $client->{pid}"),
			$reader{$name}->value("SELECT usename, datname FROM pg_stat_activity WHERE pid = $client->{pid}"), "in $name as in pg_stat_activity");
	}
	all_views_answer('names');
	$client->quit;
};

all_views_answer('at the end');
done_testing();
