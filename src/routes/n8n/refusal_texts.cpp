#include "routes/n8n/refusal_texts.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "http/fields.hpp"

namespace portcullis::routes {
namespace {

using http::Code;

/// What the built-in texts tell apart: for a visitor many codes are one.
enum class Kind : std::uint8_t { wait, blocked, content, invalid, large, file, late, broken };

constexpr std::size_t kKinds = 8;

Kind kind_of(Code code) {
  switch (code) {
    case Code::rate_limited:
    case Code::stream_limit:
      return Kind::wait;
    case Code::address_blocked:
    case Code::challenge_required:
      return Kind::blocked;
    case Code::content_refused:
    case Code::answer_withheld:
      return Kind::content;
    case Code::bad_request:
    case Code::validation_failed:
    case Code::schema_invalid:
      return Kind::invalid;
    case Code::payload_too_large:
      return Kind::large;
    case Code::unsupported_media_type:
      return Kind::file;
    case Code::upstream_timeout:
    case Code::request_timeout:
      return Kind::late;
    default:
      return Kind::broken;
  }
}

struct Language {
  std::string_view tag;
  std::array<std::string_view, kKinds> texts;  ///< by Kind
};

// The first one serves whoever prefers none of them.
constexpr Language kLanguages[] = {
    {"en",
     {"That was a lot in a short time. Please wait a moment and try again.",
      "Messages from your network are not accepted at the moment. Please try again later.",
      "This message cannot be accepted. Please put it in other words.",
      "This message cannot be processed. It may be empty or too long.",
      "The message and its files are too large.", "Files of this kind cannot be sent here.",
      "The answer took too long. Please try again.",
      "The chat is not available at the moment. Please try again later."}},
    {"de",
     {"Das war viel in kurzer Zeit. Bitte warten Sie einen Moment und versuchen Sie es noch "
      "einmal.",
      "Nachrichten aus Ihrem Netz werden zurzeit nicht angenommen. Bitte versuchen Sie es später "
      "noch einmal.",
      "Diese Nachricht kann nicht angenommen werden. Bitte formulieren Sie sie anders.",
      "Diese Nachricht kann nicht verarbeitet werden. Vielleicht ist sie leer oder zu lang.",
      "Die Nachricht ist mit ihren Dateien zu groß.",
      "Dateien dieser Art können hier nicht gesendet werden.",
      "Die Antwort hat zu lange gedauert. Bitte versuchen Sie es noch einmal.",
      "Der Chat ist zurzeit nicht erreichbar. Bitte versuchen Sie es später noch einmal."}},
    {"fr",
     {"Cela fait beaucoup de messages en peu de temps. Veuillez patienter un instant, puis "
      "réessayer.",
      "Les messages venant de votre réseau ne sont pas acceptés pour le moment. Veuillez réessayer "
      "plus tard.",
      "Ce message ne peut pas être accepté. Veuillez le formuler autrement.",
      "Ce message ne peut pas être traité. Il est peut-être vide ou trop long.",
      "Le message et ses fichiers sont trop volumineux.",
      "Les fichiers de ce type ne peuvent pas être envoyés ici.",
      "La réponse a pris trop de temps. Veuillez réessayer.",
      "Le chat n’est pas disponible pour le moment. Veuillez réessayer plus tard."}},
    {"es",
     {"Son muchos mensajes en poco tiempo. Espere un momento y vuelva a intentarlo.",
      "En este momento no se aceptan mensajes desde su red. Vuelva a intentarlo más tarde.",
      "Este mensaje no se puede aceptar. Escríbalo con otras palabras.",
      "Este mensaje no se puede procesar. Puede que esté vacío o sea demasiado largo.",
      "El mensaje y sus archivos son demasiado grandes.",
      "Aquí no se pueden enviar archivos de este tipo.",
      "La respuesta ha tardado demasiado. Vuelva a intentarlo.",
      "El chat no está disponible en este momento. Vuelva a intentarlo más tarde."}},
    {"it",
     {"Sono molti messaggi in poco tempo. Attenda un momento e riprovi.",
      "Al momento non si accettano messaggi dalla sua rete. Riprovi più tardi.",
      "Questo messaggio non può essere accettato. Lo scriva con altre parole.",
      "Questo messaggio non può essere elaborato. Forse è vuoto o troppo lungo.",
      "Il messaggio e i suoi file sono troppo grandi.",
      "Qui non si possono inviare file di questo tipo.",
      "La risposta ha richiesto troppo tempo. Riprovi.",
      "La chat non è disponibile al momento. Riprovi più tardi."}},
    {"pt",
     {"São muitas mensagens em pouco tempo. Aguarde um momento e tente novamente.",
      "De momento não são aceites mensagens da sua rede. Tente novamente mais tarde.",
      "Esta mensagem não pode ser aceite. Escreva-a por outras palavras.",
      "Esta mensagem não pode ser processada. Talvez esteja vazia ou seja demasiado longa.",
      "A mensagem e os seus ficheiros são demasiado grandes.",
      "Aqui não é possível enviar ficheiros deste tipo.",
      "A resposta demorou demasiado. Tente novamente.",
      "O chat não está disponível de momento. Tente novamente mais tarde."}},
    {"nl",
     {"Dat waren veel berichten in korte tijd. Wacht even en probeer het opnieuw.",
      "Berichten vanaf uw netwerk worden op dit moment niet aangenomen. Probeer het later opnieuw.",
      "Dit bericht kan niet worden aangenomen. Formuleer het anders.",
      "Dit bericht kan niet worden verwerkt. Misschien is het leeg of te lang.",
      "Het bericht is met de bestanden te groot.",
      "Bestanden van dit type kunnen hier niet worden verzonden.",
      "Het antwoord duurde te lang. Probeer het opnieuw.",
      "De chat is op dit moment niet beschikbaar. Probeer het later opnieuw."}},
    {"pl",
     {"To dużo wiadomości w krótkim czasie. Proszę chwilę poczekać i spróbować ponownie.",
      "Wiadomości z tej sieci nie są obecnie przyjmowane. Proszę spróbować ponownie później.",
      "Nie można przyjąć tej wiadomości. Proszę sformułować ją inaczej.",
      "Nie można przetworzyć tej wiadomości. Być może jest pusta lub zbyt długa.",
      "Wiadomość wraz z plikami jest zbyt duża.", "Nie można tu wysyłać plików tego rodzaju.",
      "Odpowiedź trwała zbyt długo. Proszę spróbować ponownie.",
      "Czat jest obecnie niedostępny. Proszę spróbować ponownie później."}},
};

const Language* built_in(std::string_view tag) {
  const auto* at = std::ranges::find(kLanguages, tag, &Language::tag);
  return at == std::end(kLanguages) ? nullptr : at;
}

}  // namespace

std::vector<std::string> RefusalTexts::check(const config::SiteSettings& site) {
  std::vector<std::string> problems;
  for (const auto& [language, texts] : site.texts) {
    for (const auto& [code, text] : texts) {
      const bool known = std::ranges::any_of(
          http::code_table(), [&](const http::CodeInfo& info) { return info.name == code; });
      if (!known) {
        problems.push_back("texts of site " + site.id + ": " + code + " is no error code");
      }
    }
  }
  return problems;
}

RefusalTexts::RefusalTexts(const std::vector<config::SiteSettings>& sites) {
  for (const auto& site : sites) sites_.push_back(site.texts);
}

std::string_view RefusalTexts::find(std::size_t site, Code code,
                                    std::string_view accept_language) const {
  const auto& own = sites_[site];
  const std::string_view name = http::info_of(code).name;
  for (const auto& language : http::languages(accept_language)) {
    // `pt-BR` is served by texts for pt-BR, then by those for pt.
    for (std::string_view tag = language; !tag.empty();
         tag = tag.substr(0, std::min(tag.rfind('-'), tag.size()))) {
      const auto of_language = own.find(tag);
      if (of_language != own.end()) {
        const auto text = of_language->second.find(name);
        if (text != of_language->second.end()) return text->second;
      }
      if (const auto* known = built_in(tag)) {
        return known->texts[static_cast<std::size_t>(kind_of(code))];
      }
      if (tag.find('-') == std::string_view::npos) break;
    }
  }
  const auto& fallback = kLanguages[0];
  if (const auto of_language = own.find(fallback.tag); of_language != own.end()) {
    const auto text = of_language->second.find(name);
    if (text != of_language->second.end()) return text->second;
  }
  return fallback.texts[static_cast<std::size_t>(kind_of(code))];
}

}  // namespace portcullis::routes
