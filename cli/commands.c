/* The commands: one row each; command.h says what the fields mean. */

#include "command.h"

#include <stdio.h>
#include <string.h>

#include "suggest.h"

#define REPAIR    "Repair"
#define CAMPAIGNS "Campaigns"
#define IMAGES    "Disk images"
#define RECIPES   "Recipes"
#define GENERAL   "General"

/* Options of everything that finds and repairs VMs. */
#define GROUPS_REPAIR                                                          \
  (GROUP_RECIPE | GROUP_PARAMETERS | GROUP_FIND | GROUP_POLICY | GROUP_ALLOW | \
   GROUP_WAVES | GROUP_BUDGET | GROUP_AGENT | GROUP_HELPER | GROUP_PROVIDER |  \
   GROUP_KEYS | GROUP_PROGRESS | GROUP_JSON)
/* Of what carries a campaign on: its policy is in the journal. */
#define GROUPS_CARRY_ON                                                        \
  (GROUP_HELPER | GROUP_KEYS | GROUP_STATE | GROUP_PROGRESS | GROUP_NOTIFY |   \
   GROUP_JSON)

#define SELECTORS                                                              \
  "A SELECTOR is the name of a provider and what it calls its VMs, such as "   \
  "libvirt:web-1 or 'libvirt:web-*'; @FILE (or @- for the standard input) in " \
  "the place of a word stands for the words of a file, as in aws:@ids.txt."
#define WHICH                                                                  \
  "CAMPAIGN is its id, an unambiguous beginning of it, or 'last' (the "        \
  "default), the one that was begun last."

const struct command commands[] = {
    {"plan", REPAIR, "say what a repair would do, VM by VM", "SELECTOR...",
     GROUPS_REPAIR | GROUP_PLAN_OUT, 1, ARGS_ANY, WORDS_SELECTORS,
     "Looks at every VM and says what a repair would do to it, or why it would "
     "be left alone. Changes nothing. " SELECTORS,
     cmd_plan},
    {"repair", REPAIR, "repair VMs", "SELECTOR...",
     GROUPS_REPAIR | GROUP_PLAN_IN | GROUP_DRY_RUN | GROUP_STATE | GROUP_NOTIFY,
     0, ARGS_ANY, WORDS_SELECTORS,
     "Stops each VM that does not boot, changes what the recipe says on its "
     "disk, starts it again and waits for the proof that it boots. What is "
     "changed is copied first; every step goes into a journal before it is "
     "done. A VM that turns out healthy is left alone. " SELECTORS,
     cmd_repair},

    {"status", CAMPAIGNS, "where a campaign stands", "[CAMPAIGN]",
     GROUP_STATE | GROUP_JSON, 0, 1, WORDS_CAMPAIGNS,
     "Shows where each VM of a campaign stands, also while it runs in another "
     "terminal. " WHICH,
     cmd_status},
    {"list", CAMPAIGNS, "list campaigns", NULL, GROUP_STATE | GROUP_JSON, 0, 0,
     WORDS_NONE, "Lists the campaigns in the state folder, newest first.",
     cmd_list},
    {"halt", CAMPAIGNS, "stop a running campaign", "[CAMPAIGN]",
     GROUP_STATE | GROUP_JSON | GROUP_HALT, 0, 1, WORDS_CAMPAIGNS,
     "Brings a campaign that runs in another terminal to a safe point within "
     "seconds: no VM is begun any more, and those in work stop where they are, "
     "until `bootmend resume` or `bootmend rollback`. A file named halt in the "
     "campaign's folder does the same. " WHICH,
     cmd_halt},
    {"approve", CAMPAIGNS, "let the next wave begin", "[CAMPAIGN [WAVE]]",
     GROUP_STATE | GROUP_JSON, 0, 2, WORDS_CAMPAIGNS,
     "Approves the wave that a campaign begun with --approve waits for. " WHICH,
     cmd_approve},
    {"resume", CAMPAIGNS, "go on with a campaign that was interrupted",
     "[CAMPAIGN]", GROUPS_CARRY_ON | GROUP_BUDGET | GROUP_CONTINUE, 0, 1,
     WORDS_CAMPAIGNS,
     "Goes on where a campaign was interrupted, however that was: looks at "
     "what "
     "the provider really shows, and does what is still to do, with the recipe "
     "and the policy of its beginning. After a halt because of failures it "
     "wants a word: --continue, or another --max-failures. " WHICH,
     cmd_resume},
    {"retry", CAMPAIGNS, "try VMs again that failed or were skipped",
     "[CAMPAIGN]", GROUPS_CARRY_ON | GROUP_VMS | GROUP_RETRY, 0, 1,
     WORDS_CAMPAIGNS,
     "Opens VMs of a campaign again: those that are as they were begin anew, "
     "those that got stuck on their way back go on going back, those whose "
     "repair was not proven are asked again. Then the campaign goes on. " WHICH,
     cmd_retry},
    {"rollback", CAMPAIGNS, "put VMs back as they were", "[CAMPAIGN]",
     GROUPS_CARRY_ON | GROUP_VMS, 0, 1, WORDS_CAMPAIGNS,
     "Takes back what a campaign did: stops each VM that it changed, puts the "
     "old content of its disk back, and starts it again if it ran before. VMs "
     "that it did not change are not touched. " WHICH,
     cmd_rollback},
    {"release", CAMPAIGNS, "delete what a campaign has kept", "[CAMPAIGN]",
     GROUP_STATE | GROUP_VMS | GROUP_RELEASE | GROUP_YES | GROUP_DRY_RUN |
         GROUP_JSON,
     0, 1, WORDS_CAMPAIGNS,
     "Deletes the disks that others took the place of, copies that were not "
     "used, and snapshots, after a question. What is attached to anything "
     "stays, and so does all of a VM that a person must look at. There is no "
     "rollback after that. " WHICH,
     cmd_release},
    {"cleanup", CAMPAIGNS, "find what lost campaigns left behind",
     "SELECTOR...",
     GROUP_CLEANUP | GROUP_YES | GROUP_STATE | GROUP_PROVIDER | GROUP_JSON, 1,
     ARGS_ANY, WORDS_SELECTORS,
     "Lists disks, snapshots and marks of VMs that carry the tag of a campaign "
     "which has no journal in the state folder: in the accounts and regions of "
     "the selection, marks on the VMs that it selects. With --delete, deletes "
     "what is old enough and attached to nothing, after a question. " SELECTORS,
     cmd_cleanup},
    {"report", CAMPAIGNS, "what a campaign did, VM by VM", "[CAMPAIGN]",
     GROUP_STATE | GROUP_JSON | GROUP_STEPS, 0, 1, WORDS_CAMPAIGNS,
     "Says what a campaign did to each VM: what was changed, kept and why, how "
     "its health was shown, and where the evidence is. " WHICH,
     cmd_report},

    {"audit verify", CAMPAIGNS, "prove that nobody changed a campaign's record",
     "[CAMPAIGN]", GROUP_STATE | GROUP_HEAD | GROUP_JSON, 0, 1, WORDS_CAMPAIGNS,
     "Verifies the chain of hashes over all that a campaign asked for, changed "
     "and decided, and that its journal still says the same. " WHICH,
     cmd_audit_verify},
    {"audit show", CAMPAIGNS, "who did what to which VM, in order",
     "[CAMPAIGN]", GROUP_STATE | GROUP_VMS | GROUP_JSON, 0, 1, WORDS_CAMPAIGNS,
     "Lists what a campaign asked for, changed and decided, in order, with who "
     "began and resumed it, from where and with which recipe. " WHICH,
     cmd_audit_show},

    {"keys missing", CAMPAIGNS, "keys that a campaign lacks, and for which VMs",
     "[CAMPAIGN]", GROUP_STATE | GROUP_JSON | GROUP_CSV, 0, 1, WORDS_CAMPAIGNS,
     "Lists the key protectors of encrypted disks that no key was known for, "
     "and the VMs that were left as they were for that. Go on with `bootmend "
     "resume --keys`. " WHICH,
     cmd_keys_missing},

    {"fix-disk", IMAGES, "repair disk image files", "IMAGE...",
     GROUP_RECIPE | GROUP_PARAMETERS | GROUP_IMAGE | GROUP_FIX | GROUP_KEYS |
         GROUP_DRY_RUN | GROUP_ALLOW | GROUP_AGENT | GROUP_PROGRESS |
         GROUP_JSON,
     1, ARGS_ANY, WORDS_FILES,
     "Repairs image files or block devices of this machine, without any "
     "provider. No VM may be running on them. What is changed is copied to a "
     "folder IMAGE.bootmend first, and --undo puts it back.",
     cmd_fix_disk},
    {"inspect", IMAGES, "say what is on disk images", "IMAGE...",
     GROUP_IMAGE | GROUP_INSPECT | GROUP_KEYS | GROUP_AGENT | GROUP_PROGRESS |
         GROUP_JSON,
     1, ARGS_ANY, WORDS_FILES,
     "Says what is on image files or block devices: partitions, file systems, "
     "the operating system, encryption, the state of NTFS, and which built-in "
     "recipes would change something. Changes nothing.",
     cmd_inspect},

    {"diagnose", IMAGES, "say why images or VMs do not boot",
     "IMAGE... | SELECTOR...",
     GROUP_IMAGE | GROUP_KEYS | GROUP_AGENT | GROUP_FIND | GROUP_PROVIDER |
         GROUP_PROGRESS | GROUP_JSON,
     1, ARGS_ANY, WORDS_FILES,
     "Says why systems do not boot and which recipe would help: image files or "
     "block devices by what is on them, VMs by what their serial consoles say "
     "and, if they are off and the disk is on this machine, by what is on "
     "it, grouped by cause. Changes nothing. " SELECTORS,
     cmd_diagnose},

    {"recipes list", RECIPES, "name the built-in recipes", NULL, GROUP_JSON, 0,
     0, WORDS_NONE, "Lists the built-in recipes, one line each.",
     cmd_recipes_list},
    {"recipes show", RECIPES, "say what a recipe does", "RECIPE",
     GROUP_PARAMETERS | GROUP_JSON, 1, 1, WORDS_RECIPES,
     "Says what a recipe looks for, what proof it asks, what it does, and "
     "which parameters it has. RECIPE is the name of a built-in one or a "
     "file. With --json it prints the recipe itself, which is a good start "
     "for one of your own.",
     cmd_recipes_show},
    {"recipes check", RECIPES, "check recipe files", "RECIPE...",
     GROUP_PARAMETERS | GROUP_JSON, 1, ARGS_ANY, WORDS_RECIPES,
     "Checks everything about recipes that can be checked without a disk. "
     "The exit status is 0 if all are good.",
     cmd_recipes_check},
    {"recipes test", RECIPES, "try a recipe on copies of disks", "RECIPE",
     GROUP_PARAMETERS | GROUP_TRY | GROUP_IMAGE | GROUP_KEYS | GROUP_ALLOW |
         GROUP_AGENT | GROUP_PROGRESS | GROUP_JSON,
     1, 1, WORDS_RECIPES,
     "Takes a recipe through its whole life on each disk: report, repair, "
     "repair again (which has to find nothing), undo (after which the disk has "
     "to be as before, to the byte). All of that happens on throw-away "
     "overlays; the images themselves are only read.",
     cmd_recipes_test},
    {"recipes sign", RECIPES, "sign recipe files", "FILE...",
     GROUP_SIGN | GROUP_JSON, 1, ARGS_ANY, WORDS_FILES,
     "Writes a signature FILE.sig beside each recipe file. Whoever trusts the "
     "key carries the recipe out without a question; one changed byte, and "
     "nobody does.",
     cmd_recipes_sign},
    {"recipes verify", RECIPES, "say who signed recipes", "RECIPE...",
     GROUP_JSON, 1, ARGS_ANY, WORDS_RECIPES,
     "Says who signed each recipe. The exit status is 0 if all are built in, "
     "or have a good signature by a key that is trusted.",
     cmd_recipes_verify},
    {"recipes trust", RECIPES, "trust a key, or list those that are", "[KEY]",
     GROUP_TRUST | GROUP_JSON, 0, 1, WORDS_FILES,
     "Copies the public key in the file KEY (PEM, Ed25519) to the keys that "
     "are trusted to sign recipes. Compare its id with what its owner says. "
     "Without KEY it lists those that are trusted already.",
     cmd_recipes_trust},
    {"recipes schema", RECIPES, "print the JSON Schema of recipes", NULL, 0, 0,
     0, WORDS_NONE,
     "Prints the JSON Schema that editors and checkers can use for recipe "
     "files; bootmend-recipe(5) explains the format.",
     cmd_recipes_schema},

    {"helper check", GENERAL, "say what a machine lacks to be a helper",
     "ID=WHERE...", GROUP_PROVIDER | GROUP_JSON, 1, ARGS_ANY, WORDS_NONE,
     "Looks at machines before a campaign needs them as helpers: ssh, the "
     "agent, packages, KVM, space, rights, free slots, zone. ID=WHERE is what "
     "--helper takes, such as i-0abc=ssh://me@host,sudo. The exit status is 0 "
     "if all are fit. Nothing is changed, but that the agent is copied there.",
     cmd_helper_check},
    {"policy", GENERAL, "the least permissions that a repair needs", "PROVIDER",
     GROUP_PERMISSIONS | GROUP_PROVIDER, 1, 1, WORDS_PROVIDERS,
     "Prints the least permissions that a campaign needs, as a document that "
     "the cloud takes (aws: an IAM policy). With --strategy plan: what a plan "
     "needs, which changes nothing. With --keys vault:NAME (azure): also what "
     "reading its secrets needs.",
     cmd_policy},
    {"help", GENERAL, "help on bootmend or on a command", "[COMMAND]", 0, 0, 2,
     WORDS_COMMANDS, "Shows the commands, or what one of them does.", cmd_help},
    {"version", GENERAL, "show the version", NULL, GROUP_JSON, 0, 0, WORDS_NONE,
     "Shows the versions of bootmend, of what it speaks with agents, and of "
     "the libraries it uses.",
     cmd_version},
    {NULL},
};

/* True if `name` is the words joined by spaces; *n is how many those are. */
static bool
name_matches (const char *name, const char *const *words, int *n)
{
  for (*n = 0; words[*n]; (*n)++) {
    size_t len = strlen (words[*n]);

    if (strncmp (name, words[*n], len) != 0)
      return false;
    name += len;
    if (*name == '\0') {
      (*n)++;
      return true;
    }
    if (*name++ != ' ')
      return false;
  }
  return false;
}

bool
command_is_family (const char *first)
{
  size_t len = strlen (first);

  for (size_t i = 0; commands[i].name; i++)
    if (strncmp (commands[i].name, first, len) == 0 &&
        commands[i].name[len] == ' ')
      return true;
  return false;
}

/* The first word leads to commands of two words. */
static int
incomplete_command (const char *word, struct err **err)
{
  struct strbuf sb = STRBUF_EMPTY;
  CLEANUP_FREE char *list = NULL;
  size_t len = strlen (word);

  for (size_t i = 0; commands[i].name; i++)
    if (strncmp (commands[i].name, word, len) == 0 &&
        commands[i].name[len] == ' ')
      strbuf_addf (&sb, "%s%s", sb.len ? ", " : "", commands[i].name + len + 1);
  list = strbuf_take (&sb);
  return err_set (err, ERR_USAGE, "%s: needs one of: %s", word, list);
}

static int
unknown_command (const char *const *words, struct err **err)
{
  const char *names[2 * 64];
  CLEANUP_FREE char *two = NULL;
  const char *near;
  size_t n = 0;

  for (size_t i = 0; commands[i].name && n < ARRAY_SIZE (names); i++) {
    size_t first = strcspn (commands[i].name, " ");

    if (strlen (words[0]) == first &&
        strncmp (commands[i].name, words[0], first) == 0) {
      const char *second = words[1];

      if (second == NULL || second[0] == '-')
        return incomplete_command (words[0], err);
      two = two ? two : xasprintf ("%s %s", words[0], second);
    }
    names[n++] = commands[i].name;
  }
  near = suggest (two ? two : words[0], names, n);
  if (near)
    return err_set (err, ERR_USAGE, "'%s': no such command; did you mean %s?",
                    two ? two : words[0], near);
  return err_set (err, ERR_USAGE, "'%s': no such command",
                  two ? two : words[0]);
}

const struct command *
command_find (const char *const *words, int *n, struct err **err)
{
  for (size_t i = 0; commands[i].name; i++)
    if (name_matches (commands[i].name, words, n))
      return &commands[i];
  unknown_command (words, err);
  return NULL;
}
