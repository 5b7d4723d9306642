# Statistics cannot be saved: the file may not be that large, the folder is read-only, or
# not there.  The server stops in an orderly way, says so, and the next one begins with
# the older file, or with none.
use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;

use PostgreSQL::Test::Utils;
use SaveTest;
use Test::More;

my $server = SaveTest->start('fault_save');
my $node = $server->node;
my $folder = $node->data_dir . '/pg_stat_tmp';
my $file = $server->file;

# What the worker has saved while it could, and what came later.
sub before_and_after
{
	my ($fault) = @_;
	my $saved = $server->decide;
	$server->next_save;
	ok(-e $file, 'there is a file');
	$fault->();
	my $lost = $server->decide;
	return ($saved, $lost);
}

subtest 'no file may be that large' => sub {
	my $limit = 1_000_000;
	my $limit_of = sub { return system('prlimit', '--pid', $_[0], "--fsize=$limit") == 0 };
	plan skip_all => 'there is no prlimit' unless run_log([ 'prlimit', '--version' ]);
	cmp_ok(-s $node->logfile, '<', $limit / 2, 'the log is small');
	my $begin = $server->log_from;
	my ($saved, $lost) = before_and_after(
		sub {
			$limit_of->($_) or die 'prlimit failed' for $server->value('SELECT pid FROM leash.worker'), $node->{_pid};
			$server->fill(1000);
		});
	$node->wait_for_log(qr/LOG:  could not write file "pg_stat_tmp\/pg_leash\.stat\.tmp": File too large\n/, $begin);
	$server->worker_goes_on;
	ok(!-e "$file.tmp", 'the worker leaves nothing of its attempt');
	my $older = slurp_file($file);
	$server->stops_without_saving('File too large');
	is(slurp_file($file), $older, 'the older file is as it was');
	$server->starts;
	is($server->knows($saved) . $server->knows($lost), '10', 'it knows what had been saved');

	$limit_of->($_) for $server->value('SELECT pid FROM leash.worker'), $node->{_pid};
	$server->fill(1000);
	$server->next_save;
	unlink $file;
	$server->stops_without_saving('File too large');
	$server->starts;
	is($server->knows($saved), '0', 'where there is none, it begins empty');
};

subtest 'a folder that is read-only' => sub {
	my ($saved, $lost) = before_and_after(sub { chmod 0500, $folder });
	$server->next_save;
	$server->worker_goes_on;
	my $older = slurp_file($file);
	$server->stops_without_saving('Permission denied');
	is(slurp_file($file), $older, 'the older file is as it was');
	$server->starts;
	is($server->knows($saved) . $server->knows($lost), '10', 'it knows what had been saved');

	# What is damaged and cannot be set aside is not trusted either, at any start.
	$node->stop('fast');
	chmod 0700, $folder;
	open my $out, '>:raw', $file or die $!;
	print $out substr $older, 0, length($older) - 1;
	close $out;
	chmod 0500, $folder;
	my $damaged = qr/WARNING:  saved statistics of pg_leash are not loaded: it is damaged/;
	$server->starts($damaged);
	is($server->knows($saved), '0', 'a file that cannot be set aside is not trusted');
	$server->stops_without_saving('Permission denied');
	$server->starts($damaged);
	chmod 0700, $folder;
	$node->stop('fast');
	$server->starts;
};

subtest 'a folder that is not there' => sub {
	my ($saved) = before_and_after(sub { rename $folder, "$folder.away" });
	$server->worker_goes_on;
	$server->stops_without_saving('No such file or directory');
	$server->starts;
	is($server->knows($saved), '0', 'it begins empty');
	$node->stop('fast');
	rename "$folder.away", $folder;
	$server->starts;
	is($server->knows($saved), '1', 'and has the older file when the folder is back');
};

done_testing();
