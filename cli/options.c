/* The options: one row each; option.h says what the fields mean. */

#include "option.h"

#include <pthread.h>
#include <string.h>

#include <providers/provider.h>

const struct option_heading option_headings[] = {
    {GROUP_RECIPE | GROUP_PARAMETERS | GROUP_SIGN | GROUP_TRUST, "Recipe"},
    {GROUP_TRY | GROUP_IMAGE | GROUP_FIX | GROUP_INSPECT, "Images"},
    {GROUP_KEYS | GROUP_CSV, "Encrypted disks"},
    {GROUP_FIND | GROUP_PLAN_OUT | GROUP_PLAN_IN | GROUP_VMS | GROUP_DRY_RUN |
         GROUP_STEPS | GROUP_RELEASE | GROUP_HEAD | GROUP_CLEANUP | GROUP_YES |
         GROUP_RETRY | GROUP_HALT,
     "What to do"},
    {GROUP_ALLOW | GROUP_POLICY | GROUP_PERMISSIONS, "Policy"},
    {GROUP_WAVES | GROUP_BUDGET | GROUP_CONTINUE, "Waves"},
    {GROUP_AGENT, "Agent"},
    {GROUP_HELPER, "Helpers"},
    {GROUP_PROVIDER, "Providers"},
    {GROUP_JSON | GROUP_PROGRESS | GROUP_NOTIFY | GROUP_STATE | GROUP_GENERAL |
         GROUP_TOP,
     "General"},
    {0, NULL},
};

#define DAY ((int64_t)86400000)

static const struct option_row fixed_rows[] = {
    {"recipe", 'r', OPTION_STRING, false, GROUP_RECIPE, "RECIPE", NULL,
     "a built-in recipe by name, or a recipe file (with a / in its name, or "
     "ending in .json)",
     .words = WORDS_RECIPES},
    {"param", 'p', OPTION_PAIR, true, GROUP_RECIPE | GROUP_PARAMETERS,
     "NAME=VALUE", NULL,
     "a parameter of the recipe; `bootmend recipes show` lists them"},
    {"allow-unsigned", 0, OPTION_FLAG, false, GROUP_RECIPE, NULL, NULL,
     "carry out a recipe file that nobody has signed",
     .key = "policy.allow_unsigned"},
    {"key", 0, OPTION_STRING, false, GROUP_SIGN, "FILE", NULL,
     "the private key to sign with: PEM, Ed25519", .words = WORDS_FILES},
    {"name", 0, OPTION_STRING, false, GROUP_TRUST, "NAME", NULL,
     "what to call the signer (default: the name of the file)"},

    {"disk", 0, OPTION_STRING, true, GROUP_TRY, "IMAGE", NULL,
     "a disk image to try it on; it is only read", .words = WORDS_FILES},
    {"format", 0, OPTION_CHOICE, false, GROUP_IMAGE, "FORMAT", "auto",
     "what the image files are: raw, qcow2, or auto, by the first bytes and "
     "the "
     "name of the file on this machine",
     "auto raw qcow2"},
    {"keys", 0, OPTION_STRING, true, GROUP_KEYS | GROUP_PERMISSIONS, "SOURCE",
     NULL,
     "where keys of encrypted disks are looked for, in the order given: "
     "FILE.csv, a FOLDER of .BEK files, file:FILE, env:NAME, command:PROGRAM, "
     "ldaps://HOST/BASE, vault:NAME (Azure Key Vault)",
     .words = WORDS_FILES},
    {"key-command", 0, OPTION_STRING, true, GROUP_KEYS, "PROGRAM", NULL,
     "the same as --keys command:PROGRAM: it prints the key of "
     "$BOOTMEND_PROTECTOR",
     .words = WORDS_FILES, .alias = "keys", .prefix = "command:"},
    {"csv", 0, OPTION_FLAG, false, GROUP_CSV, NULL, NULL,
     "a list to be filled in with the keys, and given back with --keys"},
    {"disk-limit", 0, OPTION_DURATION, false, GROUP_IMAGE, "TIME", "10m",
     "how long the work on one disk may take", .least = 1000, .most = DAY},
    {"no-recipes", 0, OPTION_FLAG, false, GROUP_INSPECT, NULL, NULL,
     "do not try the recipes, which takes longer than all the rest"},
    {"undo", 0, OPTION_FLAG, false, GROUP_FIX, NULL, NULL,
     "put the images back as they were, from the evidence of their last "
     "repair"},
    {"evidence", 0, OPTION_STRING, false, GROUP_FIX, "FOLDER", NULL,
     "where copies of all that is changed go, one folder for each image "
     "(default: IMAGE.bootmend beside each image)",
     .words = WORDS_FOLDERS},

    {"dry-run", 'n', OPTION_FLAG, false, GROUP_DRY_RUN, NULL, NULL,
     "say what would be done, change nothing"},
    {"out", 'o', OPTION_STRING, false, GROUP_PLAN_OUT, "FILE", NULL,
     "write the plan there, for `bootmend repair --plan`",
     .words = WORDS_FILES},
    {"plan", 0, OPTION_STRING, false, GROUP_PLAN_IN, "FILE", NULL,
     "do exactly what this plan says, and only to VMs that are still as they "
     "were when it was made",
     .words = WORDS_FILES},
    {"skip-missing", 0, OPTION_FLAG, false, GROUP_FIND, NULL, NULL,
     "go on without VMs that the selection names and that do not exist"},
    {"vm", 0, OPTION_STRING, true, GROUP_VMS, "PATTERN", NULL,
     "only VMs whose name matches, or that have this id"},
    {"yes", 'y', OPTION_FLAG, false, GROUP_YES, NULL, NULL,
     "delete without asking"},
    {"older-than", 0, OPTION_DURATION, false, GROUP_RELEASE, "TIME", NULL,
     "only of VMs whose repair ended that long ago, 168h", .most = 3650 * DAY},
    {"orphans", 0, OPTION_FLAG, false, GROUP_CLEANUP, NULL, NULL,
     "what carries the tag of a campaign that has no journal here"},
    {"delete", 0, OPTION_FLAG, false, GROUP_CLEANUP, NULL, NULL,
     "delete what can go, after a question"},
    {"lost-for", 0, OPTION_DURATION, false, GROUP_CLEANUP, "TIME", "168h",
     "only of campaigns that began that long ago", .most = 3650 * DAY},
    {"steps", 0, OPTION_FLAG, false, GROUP_STEPS, NULL, NULL,
     "every step with its time"},
    {"head", 0, OPTION_STRING, false, GROUP_HEAD, "HASH", NULL,
     "a head of the chain that was noted elsewhere: it has to be in it"},

    {"health", 0, OPTION_STRING, false, GROUP_POLICY, "CHECK", "auto",
     "how a VM proves that it boots: serial:REGEX on its serial console, "
     "guest-agent, status, tcp:[HOST:]PORT, command:PROGRAM, none, or auto",
     .key = "policy.health"},
    {"health-fail", 0, OPTION_STRING, false, GROUP_POLICY, "REGEX", NULL,
     "what on the serial console means that it does not (default: stop "
     "screens, panics and boot errors)",
     .key = "policy.health_fail"},
    {"include-healthy", 0, OPTION_FLAG, false, GROUP_POLICY, NULL, NULL,
     "work also on VMs that look healthy", .key = "policy.include_healthy"},
    {"strategy", 0, OPTION_STRING, false, GROUP_POLICY | GROUP_PERMISSIONS,
     "NAME", NULL,
     "how the disk gets to its repair (default: what the provider does best)",
     .key = "policy.strategy"},
    {"before", 0, OPTION_STRING, false, GROUP_POLICY, "TIME", NULL,
     "with --strategy restore: the newest snapshot before this time takes the "
     "disk's place, 2024-07-19T04:00:00Z",
     .key = "policy.before"},
    {"copy-running", 0, OPTION_FLAG, false, GROUP_POLICY | GROUP_PERMISSIONS,
     NULL, NULL,
     "with --strategy swap or restore: copy the disk while the VM runs, and "
     "swap "
     "it in without a stop, where the provider can; what the VM writes "
     "meanwhile stays on the old disk",
     .key = "policy.copy_running"},
    {"without", 0, OPTION_STRING, true, GROUP_PERMISSIONS, "WHAT", NULL,
     "less is to be allowed: no snapshot, no evidence (console, screenshots), "
     "no keys of encrypted disks"},
    {"account", 0, OPTION_STRING, false, GROUP_PERMISSIONS, "ID", NULL,
     "only for the VMs of this account (default: all)"},
    {"take-over", 0, OPTION_FLAG, false, GROUP_POLICY, NULL, NULL,
     "work also on VMs that carry the mark of another campaign, which you know "
     "to be dead",
     .key = "policy.take_over"},
    {"dirty-ntfs", 0, OPTION_CHOICE, false, GROUP_ALLOW, "HOW", "replay",
     "what is done with an NTFS volume that was not shut down: replay the "
     "transactions that its log holds (else empty it), reset it, or refuse",
     "replay reset refuse", .key = "policy.dirty_ntfs"},
    {"max-in-flight", 0, OPTION_INT, false, GROUP_POLICY, "N", "16",
     "at most so many VMs in work at once", .least = 1, .most = 10000,
     .key = "policy.max_in_flight"},
    {"reboot-first", 0, OPTION_INT, false, GROUP_POLICY, "N", "0",
     "try so many reboots before a disk is touched; a VM that comes up is left "
     "alone",
     .most = 50, .key = "policy.reboot_first"},
    {"lease", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "1h",
     "a mark on a VM that nobody has renewed for so long is stale, and is "
     "taken "
     "over",
     .least = 60000, .most = 7 * DAY, .key = "policy.lease_ms"},
    {"shutdown-limit", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "20s",
     "how long a VM may take to shut down before it is switched off; 0: at "
     "once",
     .most = 3600000, .key = "policy.shutdown_ms"},
    {"stop-limit", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "10m",
     "how long a stop may take in all", .least = 1000, .most = DAY,
     .key = "policy.stop_ms"},
    {"repair-limit", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "30m",
     "how long the work on a disk may take", .least = 1000, .most = DAY,
     .key = "policy.repair_ms"},
    {"start-limit", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "10m",
     "how long a start may take", .least = 1000, .most = DAY,
     .key = "policy.start_ms"},
    {"verify-limit", 0, OPTION_DURATION, false, GROUP_POLICY, "TIME", "10m",
     "how long a VM may take to prove that it boots", .least = 1000,
     .most = DAY, .key = "policy.verify_ms"},

    {"canary", 0, OPTION_INT, false, GROUP_WAVES, "N", NULL,
     "a first wave of so many VMs", .least = 1, .most = 1000000,
     .key = "policy.canary"},
    {"wave", 0, OPTION_STRING, false, GROUP_WAVES, "SIZE,...", NULL,
     "sizes of waves: numbers, percentages of all VMs, and rest (as in "
     "5,20,25%,rest); the last one is repeated. A wave begins when the one "
     "before is proven healthy",
     .key = "policy.wave"},
    {"soak", 0, OPTION_DURATION, false, GROUP_WAVES, "TIME", "0s",
     "how long a repaired VM must stay healthy before it counts as proven",
     .most = DAY, .key = "policy.soak_ms"},
    {"max-failures", 0, OPTION_STRING, false, GROUP_BUDGET, "N|P%", NULL,
     "so many VMs of the campaign may fail; one more, and no other VM is "
     "touched (default: any number, but with waves none in a wave)",
     .key = "policy.max_failures"},
    {"wave-failures", 0, OPTION_STRING, false, GROUP_BUDGET, "N|P%", NULL,
     "the same for each wave", .key = "policy.wave_failures"},
    {"on-halt", 0, OPTION_CHOICE, false, GROUP_WAVES, "HOW", "finish",
     "what becomes of VMs in work when the budget is spent: they are finished, "
     "or put back as they were (drain)",
     "finish drain", .key = "policy.on_halt"},
    {"approve", 0, OPTION_FLAG, false, GROUP_WAVES, NULL, NULL,
     "wait before each wave until `bootmend approve`", .key = "policy.approve"},
    {"approve-command", 0, OPTION_STRING, false, GROUP_WAVES, "PATH", NULL,
     "a program to run before each wave: its exit status 0 approves",
     .words = WORDS_FILES, .key = "policy.approve_command"},
    {"order", 0, OPTION_STRING, true, GROUP_WAVES, "WHICH", NULL,
     "which VMs come first: a pattern of names, tag:KEY=PATTERN, or file:PATH "
     "with such words, one a line",
     .key = "policy.order"},
    {"group-by", 0, OPTION_STRING, false, GROUP_WAVES, "TAG", NULL,
     "VMs with the same value of this tag are a group, such as a cluster",
     .key = "policy.group_by"},
    {"group-max", 0, OPTION_INT, false, GROUP_WAVES, "N", "1",
     "at most so many of a group are down at once", .least = 1, .most = 1000000,
     .key = "policy.group_max"},
    {"continue", 0, OPTION_FLAG, false, GROUP_CONTINUE, NULL, NULL,
     "go on after a halt: the failures that there are count no more"},
    {"failed", 0, OPTION_FLAG, false, GROUP_RETRY, NULL, NULL,
     "all VMs that failed (those that were rolled back did not)"},
    {"skipped", 0, OPTION_FLAG, false, GROUP_RETRY, NULL, NULL,
     "all VMs that were skipped"},
    {"finish", 0, OPTION_FLAG, false, GROUP_HALT, NULL, NULL,
     "finish the VMs in work first (default: they stop at a safe point)"},
    {"drain", 0, OPTION_FLAG, false, GROUP_HALT, NULL, NULL,
     "put the VMs in work back as they were first"},

    {"allow", 0, OPTION_STRING, true, GROUP_ALLOW | GROUP_PERMISSIONS, "CODE",
     NULL, "go on in spite of the refusal CODE, where that can be allowed",
     .key = "policy.allow"},

    {"isolation", 0, OPTION_CHOICE, false, GROUP_AGENT, "HOW", "shared",
     "shared: disks of one owner share an appliance; disk: each has its own",
     "shared disk", .key = "policy.isolation"},
    {"batch", 0, OPTION_INT, false, GROUP_AGENT, "N", NULL,
     "at most so many disks in one appliance", .least = 1, .most = 200},
    {"workers", 0, OPTION_INT, false, GROUP_AGENT, "N", NULL,
     "at most so many appliances at once", .least = 1, .most = 64},

    {"helper", 0, OPTION_PAIR, true, GROUP_HELPER, "ID=WHERE", NULL,
     "a VM that disks are attached to for their repair, and where its agent "
     "is: ssh://USER@HOST, or local; then ,sudo ,agent=PATH "
     ",devices=DIR; once for each, several in a zone if you like"},
    {"force-detach", 0, OPTION_FLAG, false, GROUP_HELPER, NULL, NULL,
     "a disk that a dead helper does not let go of within --detach-limit is "
     "torn off it",
     .key = "policy.force_detach"},
    {"detach-limit", 0, OPTION_DURATION, false, GROUP_HELPER, "TIME", "2m",
     "how long a helper that died may take to let go of a disk", .least = 1000,
     .most = 3600000, .key = "policy.detach_ms"},
    {"helper-limit", 0, OPTION_DURATION, false, GROUP_HELPER, "TIME", "2m",
     "a helper that can't be reached for so long is given up", .least = 1000,
     .most = DAY, .key = "policy.helper_lost_ms"},
    {"ca-file", 0, OPTION_STRING, false, GROUP_PROVIDER, "FILE", NULL,
     "certificates to trust besides the system's", .words = WORDS_FILES},
    {"limits", 0, OPTION_STRING, false, GROUP_PROVIDER, "FILE", NULL,
     "rates of calls that differ from the documented ones",
     .words = WORDS_FILES},
    {"json", 0, OPTION_FLAG, false, GROUP_JSON, NULL, NULL,
     "the result as one JSON object on stdout"},
    {"progress", 0, OPTION_CHOICE, false, GROUP_PROGRESS, "HOW", "auto",
     "bar on a terminal and plain lines elsewhere (auto), or one of these; "
     "on stderr",
     "auto bar plain json none"},
    {"notify-command", 0, OPTION_STRING, true, GROUP_NOTIFY, "CMD", NULL,
     "runs for each event of the campaign, with a JSON object on its stdin",
     .words = WORDS_FILES},
    {"webhook", 0, OPTION_STRING, true, GROUP_NOTIFY, "URL", NULL,
     "gets the same as a POST; @FILE holds the address where it is a secret"},
    {"state-dir", 0, OPTION_STRING, false, GROUP_STATE, "FOLDER", NULL,
     "where journals and evidence are kept (default: $BOOTMEND_STATE_DIR, or "
     "bootmend in $XDG_STATE_HOME)",
     .words = WORDS_FOLDERS},
    {"color", 0, OPTION_CHOICE, false, GROUP_GENERAL, "WHEN", "auto",
     "colours: on a terminal unless $NO_COLOR is set (auto), always or never",
     "auto always never"},
    {"verbose", 'v', OPTION_FLAG, false, GROUP_GENERAL, NULL, NULL,
     "say more; twice: everything"},
    {"quiet", 'q', OPTION_FLAG, false, GROUP_GENERAL, NULL, NULL,
     "no warnings and no progress, only errors"},
    {"help", 'h', OPTION_FLAG, false, GROUP_GENERAL, NULL, NULL,
     "show help and end"},
    {"version", 'V', OPTION_FLAG, false, GROUP_TOP, NULL, NULL,
     "show the version and end"},
};

static struct option_set set;
static pthread_once_t set_once = PTHREAD_ONCE_INIT;

/* A provider brings options of its own: one more row for each. */
static void
make_set (void)
{
  size_t n = ARRAY_SIZE (fixed_rows);

  for (size_t i = 0; providers[i]; i++)
    for (size_t j = 0; providers[i]->options && providers[i]->options[j].name;
         j++)
      n++;
  set.rows = xcalloc (n, sizeof set.rows[0]);
  memcpy (set.rows, fixed_rows, sizeof fixed_rows);
  set.n = ARRAY_SIZE (fixed_rows);
  for (size_t i = 0; providers[i]; i++) {
    const struct provider_option *options = providers[i]->options;

    for (size_t j = 0; options && options[j].name; j++) {
      struct option_row *row = &set.rows[set.n++];

      row->name = options[j].name;
      row->type = options[j].argument ? OPTION_STRING : OPTION_FLAG;
      row->groups = GROUP_PROVIDER;
      row->argument = options[j].argument;
      row->otherwise = options[j].otherwise;
      row->help = options[j].help;
    }
  }
}

const struct option_set *
option_set (void)
{
  pthread_once (&set_once, make_set);
  return &set;
}
