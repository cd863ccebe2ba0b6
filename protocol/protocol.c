/* Words and lines of the conversation; protocol.h has the rules. */

#include "protocol.h"

#include <string.h>

#include <base/secret.h>
#include <base/text.h>

#define QUOTED_BYTES 60 /* of a bad line, in the error */

static const char *const mode_names[] = {
    [WORK_INSPECT] = "inspect",
    [WORK_REPORT] = "report",
    [WORK_APPLY] = "apply",
    [WORK_UNDO] = "undo",
};

static const char *const outcome_names[] = {
    [OUTCOME_REPAIRED] = "repaired",   [OUTCOME_CLEAN] = "clean",
    [OUTCOME_NEEDED] = "needed",       [OUTCOME_UNDONE] = "undone",
    [OUTCOME_INSPECTED] = "inspected", [OUTCOME_REFUSED] = "refused",
    [OUTCOME_FAILED] = "failed",
};

const char *const protocol_stages[] = {
    "queued",  "appliance", "unlocked", "opened",  "os-found",
    "matched", "backed-up", "changed",  "checked", "closed",
    "saved",   "committed", NULL,
};

const struct refusal refusals[] = {
    {"empty", "the disk has a length of 0 bytes", false},
    {"truncated", "the image is shorter than it says", false},
    {"image-damaged", "the tables of the image file are damaged", false},
    {"no-disk", "no partition table and no file system is found", false},
    {"no-os", "no system root is found on the disk", false},
    {"several-os", "more than one system root is on the disk", false},
    {"wrong-os", "the recipe is for another operating system", false},
    {"hibernated", "Windows is hibernated on this disk", false},
    {"encrypted", "the system volume is encrypted", false},
    {"key-missing", "the system volume is encrypted and no key is known",
     false},
    {"key-wrong", "the keys that are known do not open the system volume",
     false},
    {"tpm-only", "only the VM's own TPM or smart card opens the volume", false},
    {"half-encrypted", "the volume is only partly encrypted", false},
    {"unknown-encryption", "the volume's encryption is damaged or not known",
     false},
    {"dirty-ntfs", "the NTFS volume was not shut down (--dirty-ntfs refuse)",
     false},
    {"fs-damaged", "the file system is too damaged to write to", false},
    {"fs-read-only", "the file system can't be mounted for writing", false},
    {"no-space", "the file system has no room for what would be written",
     false},
    {"immutable", "a file to be changed is marked immutable (chattr)", false},
    {"no-match", "what the recipe requires is not there", false},
    {"reparse-point", "a path leads through a link or reparse point", false},
    {"ambiguous-name", "two names differ only in letter case", false},
    {"wrong-kind", "a folder is where the recipe wants a file", false},
    {"too-large", "a file is too large to be copied out first", false},
    {"target-exists", "the new name is taken by something else", false},
    {"too-many", "more matches than a repair should ever touch", true},
    {"dirty-hive", "a registry hive is stale and its logs don't fit it", false},
    {"hive-damaged", "a registry hive is damaged", false},
    {"hive-limit", "a registry hive can't take this change safely", false},
    {"boot-critical", "Windows does not start without this driver", true},
    {"no-boot-volume", "no volume with a BCD is found on the disk", false},
    {"tpm-bound", "a change of the BCD would lock a TPM-bound volume", true},
    {"in-use", "the disk is open elsewhere or used by this machine", false},
    {"read-only", "the disk or its image can't be written", false},
    {"wrong-size", "the size is not what the provider says", false},
    {"wrong-serial", "the serial number is not what the provider says", false},
    {"wrong-machine", "the agent is not on the helper that has the disk",
     false},
    {"shared-backing", "the image is the backing file of others", false},
    {"no-evidence", "the evidence folder holds nothing to undo", false},
    {"foreign-evidence", "the evidence is of another disk or recipe", false},
    {"changed-since", "the disk was changed since the repair", true},
    {NULL, NULL, false},
};

static int
index_of (const char *const *names, size_t n, const char *name)
{
  for (size_t i = 0; name && i < n; i++)
    if (strcmp (names[i], name) == 0)
      return (int)i;
  return -1;
}

const char *
work_mode_name (enum work_mode mode)
{
  return mode_names[mode];
}

int
work_mode_from_name (const char *name)
{
  return index_of (mode_names, ARRAY_SIZE (mode_names), name);
}

const char *
work_outcome_name (enum work_outcome outcome)
{
  return outcome_names[outcome];
}

int
work_outcome_from_name (const char *name)
{
  return index_of (outcome_names, ARRAY_SIZE (outcome_names), name);
}

int
protocol_stage_index (const char *stage)
{
  return index_of (protocol_stages, ARRAY_SIZE (protocol_stages) - 1, stage);
}

const struct refusal *
refusal_by_code (const char *code)
{
  for (const struct refusal *r = refusals; code && r->code; r++)
    if (strcmp (r->code, code) == 0)
      return r;
  return NULL;
}

json_t *
message_new (const char *kind, const char *name)
{
  return json_make ("{s:i, s:s}", "bootmend", PROTOCOL_VERSION, kind, name);
}

char *
message_line (const json_t *message)
{
  char *text = json_text (message), *line = xasprintf ("%s\n", text);

  wipe (text, strlen (text)); /* one kind of message holds keys */
  free (text);
  return line;
}

static int
bad_line (struct err **err, const char *line, size_t len, const char *why)
{
  size_t shown = len > QUOTED_BYTES ? QUOTED_BYTES : len;
  CLEANUP_FREE char *head = xstrndup (line, shown);
  CLEANUP_FREE char *quoted = text_printable (head);

  return err_set (err, ERR_PROTOCOL, "%s: \"%s%s\"", why, quoted,
                  len > shown ? "..." : "");
}

static int
check_version (const json_t *message, const char *line, size_t len,
               struct err **err)
{
  const json_t *version;

  if (!json_is_object (message))
    return bad_line (err, line, len, "the line is no JSON object");
  version = json_object_get (message, "bootmend");
  if (!json_is_integer (version))
    return bad_line (err, line, len,
                     "the line is no bootmend message (no version)");
  if (json_integer_value (version) != PROTOCOL_VERSION)
    return err_set (err, ERR_PROTOCOL,
                    "the peer speaks protocol version %lld, this bootmend "
                    "speaks %d: install the same bootmend on both",
                    (long long)json_integer_value (version), PROTOCOL_VERSION);
  return 0;
}

int
message_next (struct strbuf *in, size_t max, size_t looked, json_t **message,
              struct err **err)
{
  CLEANUP_JSON json_t *json = NULL;
  CLEANUP_ERR struct err *why = NULL;
  const char *newline = in->len > looked
                            ? memchr (in->buf + looked, '\n', in->len - looked)
                            : NULL;
  size_t len = newline ? (size_t)(newline - in->buf) : in->len;

  if (len > max)
    return err_set (err, ERR_PROTOCOL, "a line is longer than %zu bytes", max);
  if (newline == NULL)
    return 0;
  json = json_parse (in->buf, len, "line", &why);
  if (json == NULL)
    return bad_line (err, in->buf, len, "the line is no JSON");
  if (check_version (json, in->buf, len, err) == -1)
    return -1;
  strbuf_consume (in, len + 1);
  *message = TAKE (json);
  return 1;
}
