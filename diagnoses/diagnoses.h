/* Why does a system not boot, and which recipe would help?
 *
 * Findings (what was read of a console, a log, a dump, a disk) go in, ranked
 * diagnoses come out; no file, disk or network is touched here.
 *
 *   findings = {
 *     os: "windows" | "linux" or absent,
 *     texts: [{where: "console" or a path, text}],
 *     bugchecks: [{code: int, parameters: ["0x...", ...], driver or absent,
 *                  where, when or absent}],
 *     facts: [{fact: name, value: text or absent, what: a sentence}],
 *     recipes: [{name, outcome, what}]        as `inspect` gives them
 *   }
 *
 *   rules = diagnosis_rules_builtin (&err);
 *   list = diagnose (rules, findings);
 *
 * The rules are data (diagnoses/data): a signature, the cause that it shows,
 * the recipe for it, how sure that is, and where that is known from.  Any of
 * the findings may be hostile: they are only compared and quoted, printable. */

#ifndef BOOTMEND_DIAGNOSES_H
#define BOOTMEND_DIAGNOSES_H

#include <base/json.h>

struct diagnosis_rules;

/* Those in diagnoses/data. */
struct diagnosis_rules *diagnosis_rules_builtin (struct err **err) ATTR_USE;

/* None yet; then one family (the JSON of a file) after the other.  ERR_INPUT
 * names the rule, the place and what is wrong; the rules are then as before. */
struct diagnosis_rules *diagnosis_rules_new (void);
int diagnosis_rules_add (struct diagnosis_rules *rules, const json_t *family,
                         struct err **err) ATTR_USE;
void diagnosis_rules_free (struct diagnosis_rules *rules);
#define CLEANUP_DIAGNOSIS_RULES CLEANUP (cleanup_diagnosis_rules)
void cleanup_diagnosis_rules (struct diagnosis_rules **rules);

/* [{id, cause, advice, confidence, recipe, parameters, sources}] of all of
 * them, for tests and documentation; a new reference. */
json_t *diagnosis_rules_to_json (const struct diagnosis_rules *rules);

/* The likeliest first: [{id, cause, advice or absent, confidence: "high" |
 * "medium" | "low", recipe and parameters or absent, evidence: [{where, what}],
 * sources: [text]}].  Empty: nothing is known of it. */
json_t *diagnose (const struct diagnosis_rules *rules, const json_t *findings);

/* The id of the diagnosis of a console that shows a system that came up. */
#define DIAGNOSIS_BOOTS "boots"

#endif
