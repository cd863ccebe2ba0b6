/* What the rows in steps.c are made of.  steps-preflight.c: what is asked
 * before anything is touched; steps-vm.c: power, mark, attributes;
 * steps-health.c: console, screenshot, proof; steps-disk.c: the agent's work.
 */

#ifndef BOOTMEND_STEPS_INTERNAL_H
#define BOOTMEND_STEPS_INTERNAL_H

#include "step.h"

/* steps-preflight.c */
enum verdict preflight_seen (struct job *job, struct err **err);
bool protection_wanted (const struct job *job);
int protection_act (struct job *job, struct effect *effect, struct err **err);
enum verdict protection_reply (struct job *job, json_t *out, struct err **err);
/* Another campaign's mark is a lock: only the operator's word breaks it. */
int job_check_mark (const struct job *job, struct err **err);

/* steps-group.c */
bool group_wanted (const struct job *job);
enum verdict leave_group_seen (struct job *job, struct err **err);
enum verdict join_group_seen (struct job *job, struct err **err);
int group_act (struct job *job, struct effect *effect, struct err **err);

/* steps-vm.c */
enum verdict mark_seen (struct job *job, struct err **err);
enum verdict unmark_ready (struct job *job, struct err **err);
enum verdict unmark_seen (struct job *job, struct err **err);
int mark_act (struct job *job, struct effect *effect, struct err **err);
bool stop_wanted (const struct job *job);
enum verdict stop_seen (struct job *job, struct err **err);
int stop_act (struct job *job, struct effect *effect, struct err **err);
enum verdict stop_reply (struct job *job, json_t *out, struct err **err);
bool start_wanted (const struct job *job);
enum verdict start_seen (struct job *job, struct err **err);
int start_act (struct job *job, struct effect *effect, struct err **err);
enum verdict attributes_seen (struct job *job, struct err **err);
int attributes_act (struct job *job, struct effect *effect, struct err **err);
enum verdict compare_seen (struct job *job, struct err **err);
/* For operations that take many VMs: this VM's own error, if it has one. */
enum verdict batch_reply (struct job *job, json_t *out, struct err **err);
bool job_has_op (const struct job *job, enum op_id op);
bool job_marked_by_us (const struct job *job);

/* steps-health.c */
bool look_wanted (const struct job *job);
int look_act (struct job *job, struct effect *effect, struct err **err);
enum verdict look_reply (struct job *job, json_t *out, struct err **err);
void look_failed (struct job *job, const struct err *err);
bool console_before_wanted (const struct job *job);
bool console_after_wanted (const struct job *job);
int console_act (struct job *job, struct effect *effect, struct err **err);
enum verdict console_before_reply (struct job *job, json_t *out,
                                   struct err **err);
enum verdict console_after_reply (struct job *job, json_t *out,
                                  struct err **err);
bool screenshot_before_wanted (const struct job *job);
bool screenshot_after_wanted (const struct job *job);
int screenshot_act (struct job *job, struct effect *effect, struct err **err);
enum verdict screenshot_before_reply (struct job *job, json_t *out,
                                      struct err **err);
enum verdict screenshot_after_reply (struct job *job, json_t *out,
                                     struct err **err);
bool baseline_wanted (const struct job *job);
enum verdict baseline_reply (struct job *job, json_t *out, struct err **err);
bool verify_wanted (const struct job *job);
int verify_act (struct job *job, struct effect *effect, struct err **err);
enum verdict verify_reply (struct job *job, json_t *out, struct err **err);
void verify_failed (struct job *job, const struct err *err);

/* steps-truth.c */
enum verdict recheck_seen (struct job *job, struct err **err);
enum verdict look_again_reply (struct job *job, json_t *out, struct err **err);
bool reboot_wanted (const struct job *job);
bool reboot_baseline_wanted (const struct job *job);
enum verdict reboot_verify_reply (struct job *job, json_t *out,
                                  struct err **err);
void reboot_verify_failed (struct job *job, const struct err *err);
const char *reboot_again (const struct job *job);
bool soak_wanted (const struct job *job);
enum verdict soak_reply (struct job *job, json_t *out, struct err **err);
void soak_failed (struct job *job, const struct err *err);

/* steps-attach.c */
/* True if its disk is worked on at a helper, not in place. */
bool job_attaches (const struct job *job);
/* Yes once a slot of a helper is its own. */
enum verdict helper_ready (struct job *job, struct err **err);
enum verdict detach_seen (struct job *job, struct err **err);
int detach_act (struct job *job, struct effect *effect, struct err **err);
enum verdict attach_seen (struct job *job, struct err **err);
int attach_act (struct job *job, struct effect *effect, struct err **err);
enum verdict attach_helper_seen (struct job *job, struct err **err);
int attach_helper_act (struct job *job, struct effect *effect,
                       struct err **err);
enum verdict detach_helper_seen (struct job *job, struct err **err);
int detach_helper_act (struct job *job, struct effect *effect,
                       struct err **err);
enum verdict leave_helper_seen (struct job *job, struct err **err);
const char *leave_helper_next (const struct job *job);
int leave_helper_act (struct job *job, struct effect *effect, struct err **err);
enum verdict helper_reply (struct job *job, json_t *out, struct err **err);
/* Path and format of the disk where the job's helper sees it. */
int attached_patient (const struct job *job, json_t *patient, struct err **err);

/* steps-create.c */
int create_act (struct job *job, struct effect *effect, struct err **err);
enum verdict create_reply (struct job *job, json_t *out, struct err **err);
enum verdict snapshot_done_seen (struct job *job, struct err **err);
enum verdict copy_done_seen (struct job *job, struct err **err);
/* The token of what a job makes or asks for, the same at each repetition. */
char *job_token (const struct job *job, const char *suffix);
/* Of what it has made; NULL: nothing, or not known yet. */
const char *job_created_id (const struct job *job, const char *kind);

/* steps-swap.c */
bool snapshot_wanted (const struct job *job);
bool copy_source_wanted (const struct job *job);
bool recipe_wanted (const struct job *job);
bool swap_wanted (const struct job *job);
bool exchange_wanted (const struct job *job);
bool keep_wanted (const struct job *job);
enum verdict swap_seen (struct job *job, struct err **err);
int swap_act (struct job *job, struct effect *effect, struct err **err);
enum verdict swap_reply (struct job *job, json_t *out, struct err **err);
int keep_act (struct job *job, struct effect *effect, struct err **err);
bool pick_wanted (const struct job *job);
int pick_act (struct job *job, struct effect *effect, struct err **err);
enum verdict pick_reply (struct job *job, json_t *out, struct err **err);
/* The copy is made while the VM runs, and swapped without a stop. */
bool job_swaps_live (const struct job *job);

/* steps-disk.c */
int repair_act (struct job *job, struct effect *effect, struct err **err);
enum verdict repair_reply (struct job *job, json_t *out, struct err **err);
bool repair_undo_wanted (const struct job *job);
int repair_undo_act (struct job *job, struct effect *effect, struct err **err);
enum verdict repair_undo_reply (struct job *job, json_t *out, struct err **err);

#endif
