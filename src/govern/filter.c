#include "govern/filter.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/json.h"

/* Identifiers whose pseudonyms are remembered, so that they are hashed and sealed once; more than
 * this are forgotten and made again. */
enum { MEMORY_ENTRIES = 1 << 18, OWN_IDENTIFIERS = 2 };

struct filter {
    struct filter_rules rules;
    struct filter_state state;
    struct dict identifiers;
    char (*pseudonyms)[SECRET_PSEUDONYM_BYTES]; /* owned; by code of the identifier */
    uint8_t *is_kept;                           /* owned; by code: its person was handed on */
    int32_t *linked; /* owned; by code of a device: of the customer it was last linked to, or -1 */
    struct privacy privacy;
    int has_suppressed; /* the properties name somebody who was forgotten */
    struct slice own[OWN_IDENTIFIERS];
    struct buf text; /* scratch */
};

/* One event on its way. */
struct passage {
    struct filter *filter;
    const struct event *from;
    struct event event; /* as it will be kept; texts live in `texts` until it is */
    char customer[SECRET_PSEUDONYM_BYTES], anonymous[SECRET_PSEUDONYM_BYTES];
    int32_t customer_code, anonymous_code; /* in the filter's memory */
    struct filter_result *result;
    struct filter_report *report;
};

static kai_status note_found(void *user, enum recognise_kind kind, const char *pseudonym,
                             kai_err *err) {
    struct filter *filter = user;
    (void)kind;
    (void)err;
    if (suppression_has(filter->state.suppression, slice_of(pseudonym))) filter->has_suppressed = 1;
    return KAI_OK;
}

kai_status filter_new(const struct filter_rules *rules, const struct filter_state *state,
                      struct filter **ret_filter, kai_err *err) {
    struct filter *filter = mem_zero(1, sizeof *filter);
    if (!filter) return err_memory(err, sizeof *filter);
    filter->rules = *rules;
    filter->state = *state;
    filter->privacy = (struct privacy){.keys = state->keys,
                                       .rules = rules->privacy,
                                       .own = filter->own,
                                       .own_count = OWN_IDENTIFIERS,
                                       .found = note_found,
                                       .user = filter};
    dict_init(&filter->identifiers);
    buf_init(&filter->text, 4 * (size_t)CAPS_FIELD_BYTES);
    filter->pseudonyms = mem_array(MEMORY_ENTRIES, sizeof *filter->pseudonyms);
    filter->is_kept = mem_array(MEMORY_ENTRIES, 1);
    filter->linked = mem_array(MEMORY_ENTRIES, sizeof *filter->linked);
    if (!filter->pseudonyms || !filter->is_kept || !filter->linked) {
        filter_free(filter);
        return err_memory(err, MEMORY_ENTRIES * (int64_t)SECRET_PSEUDONYM_BYTES);
    }
    *ret_filter = filter;
    return KAI_OK;
}

void filter_free(struct filter *filter) {
    if (!filter) return;
    dict_release(&filter->identifiers);
    mem_free(filter->pseudonyms);
    mem_free(filter->is_kept);
    mem_free(filter->linked);
    buf_release(&filter->text);
    mem_free(filter);
}

void filter_result_init(struct filter_result *result) {
    *result = (struct filter_result){0};
    event_batch_init(&result->events);
    arena_init(&result->arena);
}

void filter_result_release(struct filter_result *result) {
    event_batch_release(&result->events);
    arena_release(&result->arena);
    mem_free(result->persons);
    mem_free(result->edges);
    mem_free(result->consents);
    *result = (struct filter_result){0};
}

static void reset_result(struct filter_result *result) {
    event_batch_reset(&result->events);
    arena_release(&result->arena);
    arena_init(&result->arena);
    result->person_count = result->edge_count = result->consent_count = 0;
}

/* Room for one more in an array of structs. */
static kai_status grow(void **array, int64_t count, int64_t *capacity, size_t bytes, kai_err *err) {
    if (count < *capacity) return KAI_OK;
    int64_t wanted = *capacity ? 2 * *capacity : 64;
    void *grown = mem_resize(*array, (size_t)wanted, bytes);
    if (!grown) return err_memory(err, wanted * (int64_t)bytes);
    *array = grown;
    *capacity = wanted;
    return KAI_OK;
}

/* Room for the identifiers of one more event: customer, device, and the earlier id of an alias. */
static void make_room(struct filter *filter) {
    if (filter->identifiers.count <= MEMORY_ENTRIES - 3) return;
    dict_release(&filter->identifiers);
    dict_init(&filter->identifiers);
}

/* The pseudonym of an identifier, remembered under a code. */
static kai_status name_person(struct filter *filter, struct slice identifier,
                              char ret_pseudonym[SECRET_PSEUDONYM_BYTES], int32_t *ret_code,
                              kai_err *err) {
    int32_t code = dict_find(&filter->identifiers, identifier);
    *ret_code = code;
    if (code >= 0) {
        memcpy(ret_pseudonym, filter->pseudonyms[code], SECRET_PSEUDONYM_BYTES);
        return KAI_OK;
    }
    privacy_person(filter->state.keys, identifier, ret_pseudonym);
    kai_status st = dict_add(&filter->identifiers, identifier, &code, err);
    if (st) return st;
    memcpy(filter->pseudonyms[code], ret_pseudonym, SECRET_PSEUDONYM_BYTES);
    filter->is_kept[code] = 0;
    filter->linked[code] = -1;
    *ret_code = code;
    return KAI_OK;
}

/* Hand a person's sealed identifier on, once. Only called for an event that is kept, so that
 * nobody is sealed who refused or was forgotten. */
static kai_status keep_person(struct filter *filter, struct slice identifier, int32_t code,
                              int is_device, struct filter_result *result, kai_err *err) {
    if (filter->is_kept[code]) return KAI_OK;
    kai_status st = grow((void **)&result->persons, result->person_count, &result->person_capacity,
                         sizeof *result->persons, err);
    buf_reset(&filter->text);
    if (!st) st = secret_seal(filter->state.keys, identifier, &filter->text, err);
    if (st) return st;
    const char *sealed = arena_string_n(&result->arena, filter->text.data, filter->text.size);
    if (!sealed) return err_memory(err, (int64_t)filter->text.size);
    struct filter_person *person = &result->persons[result->person_count++];
    *person = (struct filter_person){.is_device = is_device, .sealed = {sealed, filter->text.size}};
    memcpy(person->pseudonym, filter->pseudonyms[code], SECRET_PSEUDONYM_BYTES);
    filter->is_kept[code] = 1;
    return KAI_OK;
}

/* Everything the person said, under any of her pseudonyms. */
static kai_status fold_consent(const struct filter *filter, const char *customer,
                               const char *anonymous, struct consent *consent, kai_err *err) {
    const struct slice *members = NULL;
    int64_t count = 0;
    struct slice own = slice_of(*customer ? customer : anonymous);
    if (filter->state.consents->pseudonyms.count == 0) return KAI_OK;
    kai_status st = identity_members(filter->state.identity, own, &members, &count, err);
    for (int64_t i = 0; !st && i < count; i++)
        consent_book_fold(filter->state.consents, members[i], consent);
    if (!st && *customer && *anonymous)
        consent_book_fold(filter->state.consents, slice_of(anonymous), consent);
    return st;
}

/* An event of the type "consent": its properties are one record. */
static kai_status take_consent(struct passage *passage, kai_err *err) {
    struct filter_result *result = passage->result;
    struct filter_consent consent = {0};
    kai_err why = {0};
    kai_status st = consent_parse(passage->from->properties, passage->from->time_us, &result->arena,
                                  &consent.record, &why);
    if (st == KAI_INVALID) { /* said nothing that can be understood: counted, not obeyed blindly */
        passage->report->damaged++;
        return KAI_OK;
    }
    if (st) return err_set(err, st, "%s", why.message);
    if (!*consent.record.source) consent.record.source = "event";
    const char *person = *passage->customer ? passage->customer : passage->anonymous;
    memcpy(consent.pseudonym, person, SECRET_PSEUDONYM_BYTES);
    st = grow((void **)&result->consents, result->consent_count, &result->consent_capacity,
              sizeof *result->consents, err);
    if (!st)
        st = consent_book_add(passage->filter->state.consents, slice_of(person), &consent.record,
                              err);
    if (!st) result->consents[result->consent_count++] = consent;
    if (!st) passage->report->consents++;
    return st;
}

static kai_status link_pair(struct passage *passage, const char *a, const char *b,
                            enum identity_kind kind, kai_err *err) {
    struct filter_result *result = passage->result;
    struct identity_edge edge = {0};
    int is_new = 0;
    kai_status st = grow((void **)&result->edges, result->edge_count, &result->edge_capacity,
                         sizeof *result->edges, err);
    if (!st)
        st = identity_link(passage->filter->state.identity, slice_of(a), slice_of(b), kind,
                           passage->from->time_us, &edge, &is_new, err);
    if (!st && is_new) result->edges[result->edge_count++] = edge;
    return st;
}

static kai_status keep_text(struct passage *passage, struct slice *text, kai_err *err) {
    const struct buf *made = &passage->filter->text;
    const char *copy =
        arena_string_n(&passage->result->arena, made->size ? made->data : "", made->size);
    if (!copy) return err_memory(err, (int64_t)made->size);
    *text = (struct slice){copy, made->size};
    return KAI_OK;
}

/* Join the pseudonym of an earlier id, and leave only the pseudonym in the properties. */
static kai_status keep_alias(struct passage *passage, struct slice identifier, kai_err *err) {
    struct filter *filter = passage->filter;
    char previous[SECRET_PSEUDONYM_BYTES];
    const char *now = *passage->customer ? passage->customer : passage->anonymous;
    int32_t code = -1;
    kai_status st = name_person(filter, identifier, previous, &code, err);
    if (st || suppression_has(filter->state.suppression, slice_of(previous))) return st;
    st = keep_person(filter, identifier, code, 0, passage->result, err);
    if (!st) st = link_pair(passage, previous, now, IDENTITY_ALIAS, err);
    buf_reset(&filter->text);
    if (!st) st = buf_printf(&filter->text, err, "{\"previousId\":\"%s\"}", previous);
    return st ? st : keep_text(passage, &passage->event.properties, err);
}

/* An event of the type "alias" names the earlier id in its properties. */
static kai_status take_alias(struct passage *passage, kai_err *err) {
    static const char *const KEYS[] = {"previousId", "previous_id", "previousid", "alias"};
    const struct slice properties = passage->from->properties;
    struct json_value *object = NULL;
    const char *identifier = NULL;
    passage->event.properties = (struct slice){"", 0};
    kai_status st = json_parse(properties.data, properties.size, &object, NULL);
    if (st == KAI_NO_MEMORY) return err_memory(err, (int64_t)properties.size);
    for (size_t i = 0; !identifier && i < sizeof KEYS / sizeof *KEYS; i++)
        identifier = json_as_text(json_get(object, KEYS[i]), NULL);
    st = identifier && *identifier ? keep_alias(passage, slice_of(identifier), err) : KAI_OK;
    json_free(object);
    return st;
}

static kai_status rewrite_properties(struct passage *passage, kai_err *err) {
    struct filter *filter = passage->filter;
    struct event *event = &passage->event;
    kai_err why = {0};
    if (!event->properties.size) return KAI_OK;
    if (slice_equal_text(event->type, "alias")) return take_alias(passage, err);
    int of_person = slice_equal_text(event->type, "identify");
    buf_reset(&filter->text);
    kai_status st =
        privacy_rewrite(&filter->privacy, event->properties, of_person, &filter->text, &why);
    if (st == KAI_INVALID) {
        passage->report->damaged++;
        event->properties = (struct slice){"", 0};
        return KAI_OK;
    }
    if (st) return err_set(err, st, "%s", why.message);
    return keep_text(passage, &event->properties, err);
}

/* Addresses and numbers in the event's other texts. */
static kai_status mask_texts(struct passage *passage, kai_err *err) {
    struct filter *filter = passage->filter;
    struct event *event = &passage->event;
    struct slice *const texts[] = {&event->id,       &event->type,    &event->item,
                                   &event->campaign, &event->channel, &event->session};
    kai_status st = KAI_OK;
    for (size_t i = 0; !st && i < sizeof texts / sizeof *texts; i++) {
        struct slice found;
        if (!recognise_find(*texts[i], 0, &found)) continue;
        buf_reset(&filter->text);
        st = privacy_mask(&filter->privacy, *texts[i], &filter->text, err);
        if (!st) st = keep_text(passage, texts[i], err);
    }
    return st;
}

/* Pseudonyms for customer and device, unless the person was forgotten. */
static kai_status name_both(struct passage *passage, int *ret_is_suppressed, kai_err *err) {
    struct filter *filter = passage->filter;
    const struct suppression *gone = filter->state.suppression;
    struct event *event = &passage->event;
    kai_status st = KAI_OK;
    *ret_is_suppressed = 0;
    filter->own[0] = event->customer;
    filter->own[1] = event->anonymous;
    if (event->customer.size) {
        st = name_person(filter, event->customer, passage->customer, &passage->customer_code, err);
        *ret_is_suppressed = !st && suppression_has(gone, slice_of(passage->customer));
    }
    if (st || *ret_is_suppressed) return st;
    if (event->anonymous.size) {
        st = name_person(filter, event->anonymous, passage->anonymous, &passage->anonymous_code,
                         err);
        if (!st && suppression_has(gone, slice_of(passage->anonymous))) {
            *ret_is_suppressed = !event->customer.size;
            passage->anonymous[0] = '\0';
        }
    }
    event->customer = slice_of(passage->customer);
    event->anonymous = slice_of(passage->anonymous);
    return st;
}

/* The device was used by the customer; what was linked last need not be looked up again. */
static kai_status link_device(struct passage *passage, kai_err *err) {
    int32_t *linked = &passage->filter->linked[passage->anonymous_code];
    if (*linked == passage->customer_code) return KAI_OK;
    kai_status st = link_pair(passage, passage->anonymous, passage->customer, IDENTITY_KNOWN, err);
    if (!st) *linked = passage->customer_code;
    return st;
}

/* The properties name somebody who was forgotten, so this is her under another id. */
static kai_status finish(struct passage *passage, kai_err *err) {
    struct filter *filter = passage->filter;
    struct filter_report *report = passage->report;
    filter->has_suppressed = 0;
    kai_status st = rewrite_properties(passage, err);
    if (!st) st = mask_texts(passage, err);
    if (!st && filter->has_suppressed) {
        report->suppressed++;
        return KAI_OK;
    }
    if (!st && *passage->customer)
        st = keep_person(filter, passage->from->customer, passage->customer_code, 0,
                         passage->result, err);
    if (!st && *passage->anonymous)
        st = keep_person(filter, passage->from->anonymous, passage->anonymous_code, 1,
                         passage->result, err);
    if (!st && *passage->customer && *passage->anonymous) st = link_device(passage, err);
    if (!st) st = event_batch_append(&passage->result->events, &passage->event, err);
    if (!st) report->kept++;
    return st;
}

static kai_status pass(struct passage *passage, kai_err *err) {
    struct filter *filter = passage->filter;
    struct consent consent = {0};
    int is_suppressed = 0;
    passage->report->events++;
    passage->event = *passage->from;
    make_room(filter);
    kai_status st = name_both(passage, &is_suppressed, err);
    if (st) return st;
    if (is_suppressed) {
        passage->report->suppressed++;
        return KAI_OK;
    }
    if (slice_equal_text(passage->from->type, "consent")) return take_consent(passage, err);
    st = fold_consent(filter, passage->customer, passage->anonymous, &consent, err);
    if (st) return st;
    if (!consent_allows(&filter->rules.consent, &consent, CONSENT_ANALYTICS)) {
        passage->report->without_consent++;
        return KAI_OK;
    }
    return finish(passage, err);
}

kai_status filter_apply(struct filter *filter, const struct event_batch *batch,
                        struct filter_result *result, struct filter_report *report, kai_err *err) {
    kai_status st = KAI_OK;
    reset_result(result);
    for (int64_t i = 0; !st && i < batch->count; i++) {
        struct passage passage = {
            .filter = filter, .from = &batch->events[i], .result = result, .report = report};
        st = pass(&passage, err);
    }
    for (int k = 0; k < RECOGNISE_KINDS; k++) {
        report->found[k] += filter->privacy.report.found[k];
        filter->privacy.report.found[k] = 0;
    }
    return st;
}
