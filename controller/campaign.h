/* Campaigns, as the command line sees them.
 *
 *   request = { recipe: {...}, parameters: {...}, selection: ["libvirt:web-*"],
 *               policy: {...policy.h...}, providers: {libvirt: {uri: "..."}},
 *               agents: {local: ["argv", ...]} or absent, command: [argv] }
 *
 *   c = campaign_find (request, &err);        // the VMs, nothing touched
 *   campaign_check (c, &hooks, &err);         // preflight of each: plan
 *   campaign_begin (c, state, &err);          // its journal
 *   campaign_run (c, &hooks, &end, &err);     // repair
 *
 *   c = campaign_open (state, id, JOURNAL_WRITE, &err);   // later
 *   campaign_run / campaign_rollback
 */

#ifndef BOOTMEND_CAMPAIGN_H
#define BOOTMEND_CAMPAIGN_H

#include "engine.h"

struct campaign;

struct campaign *campaign_find (json_t *request, struct err **err) ATTR_USE;

/* The same from a plan (campaign_plan): exactly its VMs, and each must still be
 * as it was when the plan was made.  ERR_INPUT: edited, or no plan. */
struct campaign *campaign_find_planned (const json_t *plan,
                                        struct err **err) ATTR_USE;

/* The record of one VM, described with preflight, by the credentials and
 * options of a request; ERR_NOT_FOUND: there is none. */
json_t *campaign_describe_one (const json_t *request, const char *provider,
                               const char *id, struct err **err) ATTR_USE;

/* What the selection names and does not exist: [{what, why}]. */
const json_t *campaign_missing (const struct campaign *campaign);
size_t campaign_size (const struct campaign *campaign);

/* wait () wakes up when this descriptor is readable (a signal's pipe). */
void campaign_set_wakeup (struct campaign *campaign, int fd);

/* Preflight of every VM; no journal, no change. */
int campaign_check (struct campaign *campaign, const struct engine_hooks *hooks,
                    struct err **err) ATTR_USE;
/* After campaign_check: {bootmend: 1, kind: "plan", ...}. */
json_t *campaign_plan (const struct campaign *campaign);

/* Makes the campaign's folder and journal below `state`.  The helpers and their
 * agents have to answer first: a campaign that can't begin leaves nothing
 * behind. */
int campaign_begin (struct campaign *campaign, const char *state,
                    struct err **err) ATTR_USE;

/* Other helpers and limits for a campaign that is carried on: {agents, helpers,
 * policy} as in a request, each only what is new.  Kept in the journal. */
int campaign_amend (struct campaign *campaign, const json_t *request,
                    struct err **err) ATTR_USE;

/* "last" is the newest one.  ERR_NOT_FOUND: none of that name. */
struct campaign *campaign_open (const char *state, const char *id,
                                enum journal_mode mode,
                                struct err **err) ATTR_USE;
void campaign_close (struct campaign *campaign);
#define CLEANUP_CAMPAIGN CLEANUP (cleanup_campaign)
void cleanup_campaign (struct campaign **campaign);

/* True if some process works on it now. */
bool campaign_is_live (const struct campaign *campaign);
const char *campaign_id (const struct campaign *campaign);
/* Its jobs, in order. */
const struct job_vec *campaign_jobs (const struct campaign *campaign);
/* Does its name, id or key match one of the patterns?  NULL: all do. */
bool campaign_job_matches (const struct job *job, char *const *patterns);
/* ERR_NOT_FOUND: one of them matches no VM.  A name that is mistyped must not
 * be left out in silence where others beside it are fine. */
int campaign_check_patterns (const struct campaign *campaign,
                             char *const *patterns, struct err **err) ATTR_USE;

/* Carries all open jobs on. */
int campaign_run (struct campaign *campaign, const struct engine_hooks *hooks,
                  enum engine_end *end, struct err **err) ATTR_USE;
/* Takes back what the campaign did: to the VMs whose name, id or key match one
 * of `patterns`, or to all (NULL).  Then runs like campaign_run.
 * ERR_NOT_FOUND: nothing matches. */
int campaign_rollback (struct campaign *campaign, char *const *patterns,
                       const struct engine_hooks *hooks, enum engine_end *end,
                       struct err **err) ATTR_USE;

/* Words from other terminals; the campaign is open for reading.  how: "park",
 * "finish" or "drain".  ERR_CONFLICT: nobody works on it. */
int campaign_ask_halt (struct campaign *campaign, const char *how,
                       struct err **err) ATTR_USE;
/* *wave 0: the one that waits, which it is then.  ERR_CONFLICT: it does not
 * wait for that. */
int campaign_ask_approve (struct campaign *campaign, int64_t *wave,
                          struct err **err) ATTR_USE;

/* Before campaign_run of one that was halted: with other budgets (policy may be
 * NULL), or accepting the failures that there are.  ERR_REFUSED: that is needed
 * and was not said. */
int campaign_say_continue (struct campaign *campaign, const char *how,
                           bool accept, const json_t *policy,
                           struct err **err) ATTR_USE;
/* Opens jobs that have ended again: those that failed or were skipped, of those
 * that match a pattern (NULL: of all); with neither word, whatever matches.
 * What was rolled back at the operator's word has not failed.  campaign_run
 * follows. */
int campaign_retry (struct campaign *campaign, char *const *patterns,
                    bool failed, bool skipped, struct err **err) ATTR_USE;

/* {bootmend: 1, kind: "report", campaign: {...}, live: bool, jobs: [...],
 * counts: {outcome: n}, audit: {entries, head}}; if a cloud was called: calls:
 * {calls, per_vm, errors, throttled, repeated, waited_ms, actions, queues}
 * (call-tally.h has the rows of both) and helpers: [{name, vms}]; with steps:
 * each job's steps too. */
/* Other sources of keys than those of its beginning, from now on; the words of
 * keys/keys.h.  Before it is run. */
int campaign_use_keys (struct campaign *campaign, const json_t *words,
                       struct err **err) ATTR_USE;
/* VMs that were given back for want of a key are tried again; returns how many
 * there are. */
size_t campaign_retry_keys (struct campaign *campaign);
/* The same for those alone that the sources of the campaign have a key for by
 * now, so that no VM is stopped for nothing; asks for two minutes at most. */
int campaign_pick_up_keys (struct campaign *campaign, size_t *n,
                           struct err **err) ATTR_USE;
/* [{job, name, id, provider, outcome, code, volumes: [{volume, encryption, id,
 * description, protectors: [{guid, type}]}]}]: which keys are missing for which
 * VMs. */
json_t *campaign_keys_missing (const struct campaign *campaign);

json_t *campaign_report (struct campaign *campaign, bool steps,
                         struct err **err) ATTR_USE;

/* The audit chain (audit.h), verified: {entries, head}; and its entries.  head
 * NULL: any.  ERR_INPUT says what was changed. */
json_t *campaign_audit (struct campaign *campaign, const char *head,
                        struct err **err) ATTR_USE;
json_t *campaign_audit_entries (struct campaign *campaign,
                                struct err **err) ATTR_USE;

/* One line for each campaign below `state`, newest first:
 * [{id, created, recipe, jobs, counts, live, error}]. */
json_t *campaign_list (const char *state, struct err **err) ATTR_USE;

/* What could be deleted of the VMs that match (NULL: all) and whose repair
 * ended older_ms ago (0: any): [{job, name, kind, id, role: "original" | "copy"
 * | "snapshot", size_bytes, why: absent, or why it stays}]. */
json_t *campaign_releasable (struct campaign *campaign, char *const *patterns,
                             int64_t older_ms, struct err **err) ATTR_USE;
/* Deletes those without "why"; adds {released: bool, error} to each.  The
 * journal knows of each before it is done. */
int campaign_release (struct campaign *campaign, json_t *things,
                      struct err **err) ATTR_USE;

/* Exit codes of DESIGN section 8 for jobs that have ended or are parked. */
int campaign_exit_code (const struct campaign *campaign);

#endif
