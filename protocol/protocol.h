/* What the controller and an agent say to each other: one JSON object a line,
 * over the agent's stdin and stdout.  stderr is for people.
 *
 * Every line has "bootmend": PROTOCOL_VERSION.  A line longer than
 * PROTOCOL_MAX_LINE (PROTOCOL_MAX_ORDER for what an agent is told, which may
 * bring a file along), one that is no JSON object, or one with another version
 * ends the conversation with an error that says which of these it was.  Fields
 * that a reader does not know are ignored, so that fields can be added.
 *
 * Controller to agent ("request"):
 *   work    one disk to work on.  The agent gathers the disks that wait at the
 *           same time, belong to the same trust domain and want isolation
 *           "shared" into one appliance.
 *           { request: "work", id: text unique in this conversation,
 *             mode: "inspect" | "report" | "apply" | "undo",
 *             recipe: the recipe's object (report, apply),
 *             parameters: {name: value},
 *             origin: who signed the recipe (recipes/signature.h), which the
 *             agent looks at again; allow_unsigned: true if nobody has to have,
 *             recipes: [{recipe, parameters, origin}] to try without any change
 *             on a disk that has their system (inspect),
 *             findings: true: say what a diagnosis needs, too (inspect),
 *             disk: { path, format: "raw" | "qcow2", size_bytes or absent,
 *                     serial or absent, machine: UUID of the machine that
 *                     the disk is attached to, or absent: the agent has to be
 *                     on that one (disk-ops/host-machine.h), trust_domain:
 * text, paths: [other places where it may show up] or absent, wait_ms: for how
 * long it may take to show up }, keys: true: keys of encrypted volumes can be
 * asked for (see the event "keys"), ask: true: before the disk is written the
 * agent says "ask" and waits for "commit", evidence: folder for this disk
 * (apply, undo); one that does not start with / is below the agent's own state
 * folder, isolation: "shared" | "disk", unchanged: true if nothing has written
 * to the disk since its repair (undo of a block device; see disk-ops/work.h),
 *             dirty_ntfs: "replay" (or absent) | "reset" | "refuse": what is
 *             done with the log of an NTFS volume that was not shut down,
 *             allow: [refusal codes that the operator accepts],
 *             limit_ms: for the work on this disk once the appliance is up }
 *   cancel  { request: "cancel", id }: drop it if it has not started; else it
 *           is ended at the next safe point.  A result follows in any case.
 *   commit  { request: "commit", id }: the answer to "ask": it may be written.
 *   keys    { request: "keys", id, keys: [{key, or key_base64 for bytes;
 *             protector: GUID of a protector, or UUID of a LUKS volume, that it
 *             is known to open, or absent; source: text for people}],
 *             notes: [text] for the operator: what kept a key from being
 *             found }: the answer to the event "keys".  The only message that
 *             ever holds a key; who sends or reads it overwrites it after use.
 *   ping    nothing; says that the controller is there.
 *   hello   { request: "hello", silence_ms }: from now on the agent ends, as at
 *           the end of input, when it has heard nothing for so long: on a link
 *           that is cut without a word nobody else would tell it.
 *   check   {expect: {machine: UUID or absent, links: [patterns of which one
 *           has to be there], advice: text}, or absent}: what --check finds is
 *           sent as an event "check".
 *   quit    finish nothing more, close the appliances, exit 0.
 * End of input means that the controller is gone: the agent stops at the next
 * safe point (a patient disk is either untouched, or completely changed, or
 * its evidence folder says how to go on) and exits.
 *
 * Agent to controller ("event"):
 *   hello      first line: { event, agent: version, protocol, host, pid,
 *              workers: how many appliances at once, batch: disks in each,
 *              asks: true (see "ask") }
 *   accepted   { event, id }
 *   appliance  { event, phase: "start" | "up" | "down" | "lost", number,
 *              ids: [...], accel: "kvm" | "tcg", ms, lean: bool,
 *              notes: [text] for the operator (up: that it was built first,
 *              that KVM or the lean appliance does not work here and what is
 *              used instead), error,
 *              suspect: id of the disk that it was busy with (lost) }
 *   ask        { event, id }: all is checked and saved; may it be written?
 *   keys       { event, id, volumes: [{volume, encryption: "BitLocker" |
 * "LUKS", id: GUID or UUID of the volume, description: what Windows wrote about
 * it, protectors: [{guid, type}]}] }: which keys are there for these?  The work
 * on the disk waits for the answer. check      { event, ok, items: [{name,
 * level, detail, advice}], host, version }; error: it could not be found out
 *   stage      { event, id, stage, ms since the work began, detail: {...} }
 *              stages in order, see protocol_stages
 *   result     exactly one for each work: { event, id, outcome, reason,
 *              refusal: code, error: {code, message}, changed: bool,
 *              os: {...}, matches: [...], kept: [...], changes: [...],
 *              disk: {...what inspect shows...}, evidence: folder,
 *              recipes: [{name, outcome, reason, refusal, matches, kept,
 *              changes}], as a report by each would say it (inspect),
 *              findings: {os, texts, bugchecks, facts}: see
 *              diagnoses/diagnoses.h (inspect with findings),
 *              keys_missing: [{...as in "keys", code}] for volumes that stay
 *              closed for want of a key,
 *              unlocked: [{volume, by: text, such as a protector}],
 *              notes: [text], timings_ms: {...},
 *              tries: appliances that were started for it,
 *              suspect: true if a shared one was lost while busy with it }
 *   log        { event, level: "warning" | "debug", text }
 *
 * Outcomes of a disk: see enum work_outcome.
 */

#ifndef BOOTMEND_PROTOCOL_H
#define BOOTMEND_PROTOCOL_H

#include <base/json.h>
#include <base/strbuf.h>

#define PROTOCOL_VERSION   1
#define PROTOCOL_MAX_LINE  (4 * 1024 * 1024)
#define PROTOCOL_MAX_ORDER (48 * 1024 * 1024)

/* How long an agent that is told to stop goes on with a disk that is being
 * written (to kill it then is safe too, only slower to mend), and how long it
 * takes at most to end after that: to close what it has, and to say its last
 * words.  Whoever stops an agent waits for both before it kills. */
#define PROTOCOL_STOP_GRACE_MS 20000
#define PROTOCOL_STOP_END_MS   5000

enum work_mode {
  WORK_INSPECT,
  WORK_REPORT,
  WORK_APPLY,
  WORK_UNDO
};
const char *work_mode_name (enum work_mode mode);
/* -1 for a word that is none. */
int work_mode_from_name (const char *name);

enum work_outcome {
  OUTCOME_REPAIRED,  /* apply: changed, checked, committed to the disk */
  OUTCOME_CLEAN,     /* apply, report: the recipe finds nothing to change */
  OUTCOME_NEEDED,    /* report: apply would change this disk */
  OUTCOME_UNDONE,    /* undo: the disk is as it was before */
  OUTCOME_INSPECTED, /* inspect: looked at */
  OUTCOME_REFUSED,   /* unsafe by a named rule; the disk is untouched */
  OUTCOME_FAILED     /* an error; `changed` says if the disk was touched */
};
const char *work_outcome_name (enum work_outcome outcome);
int work_outcome_from_name (const char *name);

/* A refusal has a stable code; the text says more.  Ended by a NULL code.
 * `allow` marks those that --allow CODE can override. */
struct refusal {
  const char *code;
  const char *meaning;
  bool allow;
};
extern const struct refusal refusals[];
const struct refusal *refusal_by_code (const char *code);

/* Stage names in the order in which a disk passes them, ended by NULL:
 * queued, appliance, unlocked (encrypted volumes), opened, os-found, matched,
 * backed-up, changed, checked, closed, saved (undo image made), committed. */
extern const char *const protocol_stages[];
/* Place of a stage in that order; -1 for a word that is none. */
int protocol_stage_index (const char *stage);

/* {bootmend: version, kind: name}: the start of every message. */
json_t *message_new (const char *kind, const char *name);

/* The message as one line with its newline. */
char *message_line (const json_t *message);

/* Takes the next complete line out of `in` and parses it.  1: *message is one;
 * 0: no complete line yet; -1: the peer does not speak our protocol
 * (ERR_PROTOCOL; quotes the start of what it said, made printable).  A line has
 * at most `max` bytes; the first `looked` are known to have no newline. */
int message_next (struct strbuf *in, size_t max, size_t looked,
                  json_t **message, struct err **err);

#endif
