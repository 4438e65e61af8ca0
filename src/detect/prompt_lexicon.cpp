#include "detect/prompt_lexicon.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "base/text.hpp"

namespace portcullis::detect {
namespace {

struct Group {
  std::uint64_t slots;
  std::string_view words;  ///< apart by blanks; `*`: a stem; `_`: a blank
};

// English, German, French, Spanish, Portuguese, Italian, Polish, Dutch, Turkish, Russian, Arabic,
// Hindi, Chinese, Japanese, Korean.
constexpr Group kGroups[] = {
    {slot::cancel,
     "ignore ignoring ignored disregard* forget forgetting overrid* overwrit* bypass* discard* "
     "dismiss* neglect* circumvent* unlearn* disobey* abandon* violate set_aside put_aside "
     "let_go_of throw_out "
     "ignorier* vergiss* vergesst vergessen missacht* umgeh* überschreib* übergeh* verwirf "
     "verwerfen außer_acht "
     "ignorez oublie oubliez oublier outrepass* contourn* désobéi* néglige* faites_abstraction "
     "fais_abstraction laisse_tomber ne_tiens_pas_compte ne_tenez_pas_compte "
     "ignora ignorar ignore_todas olvida olvide olvidar olvídate descarta desobedece* "
     "haz_caso_omiso haga_caso_omiso pasa_por_alto "
     "esqueça esquece esquecer esqueca desconsider* descarte contorne desobedeça "
     "ignori ignorare dimentica dimenticare dimenticati trascura scarta aggira lascia_perdere "
     "zignoruj* ignoruj* zapomnij* pomiń* odrzuć* obejdź* nie_zważaj "
     "negeer* vergeet omzeil* laat_los "
     "yok_say* yoksay* görmezden unut unutun dikkate_alma* hiçe_say* boşver* "
     "игнорир* проигнорир* забудь* отбрось* обойди* пренебрег* не_обращай* "
     "تجاهل* انس انسى إنس تجاوز* اهمل* أهمل* "
     "अनदेखा* अनदेखी* नज़रअंदाज़* नजरअंदाज* भूल_जा* उपेक्षा* "
     "忽略 无视 無視 忘记 忘記 忘掉 忽视 忽視 不要遵守 不要理会 不用管 别管 绕过 繞過 抛开 抛弃 "
     "覆盖 "
     "無視 忘れ 従わない 従うな 従わず 上書き 破棄 "
     "무시* 잊어* 잊고* 잊으* 따르지* 우회*"},
    {slot::undo,
     "drop erase* delete* remove* disable* suspend* revoke* cancel* lift reset clear scrap skip "
     "deactivate* turn_off switch_off break exit "
     "lösch* entfern* deaktivier* setz* hebe schalte "
     "supprim* annul* désactiv* efface* anula* elimin* borra* desactiv* omite "
     "anule apag* desativ* remov* annulla* cancella* disattiv* rimuov* "
     "usuń* wyłącz* anuluj* wis verwijder* schakel* iptal* sil silin kaldır* devre_dışı sıfırla* "
     "отмени* удали* отключи* сбрось* سحب ألغ* احذف* عطل* रद्द* हटा* "
     "取消 撤销 删除 解除 关闭 清除 リセット 削除 無効 해제* 삭제* 무효* 취소*"},
    {slot::authority,
     "instruction* guideline* guidance directive* programming training guardrail* safeguard* "
     "told taught programmed instructed "
     "anweisung* instruktion* vorgabe* richtlinie* programmierung systemanweisung* "
     "consigne* directives instrucciones instruccion* indicaciones directriz directrices "
     "programación instruções instrucoes instruçao diretriz* orientações istruzion* direttiv* "
     "linee_guida instrukcj* polece* wytyczn* dyrektyw* instructies richtlijn* "
     "talimat* yönerge* yönlendirme* инструкц* указани* директив* установк* предписани* "
     "تعليمات* التعليمات* توجيهات* التوجيهات* إرشادات* الإرشادات* تعليماتك* "
     "निर्देश* दिशानिर्देश* "
     "指令 指示 准则 準則 设定 設定された 指南 プログラム ガイドライン 지시* 지침* 가이드라인*"},
    {slot::rule,
     "rule rules restriction* polic* constraint* protocol* filter* limitation* limits command* "
     "boundaries safety orders "
     "regel* vorschrift* beschränkung* einschränkung* befehl* sicherheitsregel* sperre* grenzen "
     "règle* restriction* limite limites contraintes regla* norma* restriccion* límite* "
     "regra* restriç* limites regole regola restrizion* limitazion* limiti vincoli "
     "zasad* reguł* ogranicze* regels beperking* opdracht* grenzen kural* kısıtlama* komut* "
     "sınır* правил* ограничен* команд* запрет* قواعد* القواعد* قيود* القيود* أوامر* الأوامر* "
     "قواعدك* नियम* प्रतिबंध* आदेश* "
     "规则 規則 限制 约束 約束 规定 命令 守则 ルール 制限 制約 規約 규칙* 제한* 명령* 제약*"},
    {slot::prompt,
     "prompt prompts preprompt* systemprompt* system_message systemnachricht* sysprompt "
     "message_système mensaje_de_sistema mensagem_de_sistema messaggio_di_sistema "
     "промпт* подсказк* istem* الموجه موجه* البرومبت* प्रॉम्प्ट* "
     "提示词 提示詞 系统提示 系統提示 プロンプト 프롬프트*"},
    {slot::yours,
     "your yours you_were you_have_been you_received you_got given_to_you you_are dein deine "
     "deinen deiner deinem deines ihre ihren dir du_bekommen du_erhalten tes vos votre "
     "tu_as_reçu tus te_dieron seus suas teus tuas você_recebeu tue tuoi tua tuo "
     "vostre hai_ricevuto swoje swoich swoją twoje twoich twój twoją otrzymałeś jouw "
     "senin kendi свои своих твои твоих твой ваши ваших тебе вам لديك لك अपने अपना आपके "
     "आपको तुम्हारे 你的 您的 你收到 你被 あなたの 君の 与えられ 당신의 너의 네_ 당신에게"},
    {slot::earlier,
     "previous* prior above earlier preceding foregoing existing initial* original* before "
     "so_far until_now up_to_now old last "
     "bisherig* vorherig* obig* vorig* vorangegangen* ursprünglich* zuvor anfänglich* "
     "précéden* antérieur* ci-dessus initial* reçues_jusqu* d'avant "
     "anterior* previ* de_arriba inicial* original* hasta_ahora "
     "prévi* acima inicia* até_agora "
     "precedent* sopra inizial* originari* finora ricevute "
     "poprzedni* wcześniejsz* powyższ* dotychczas* początkow* "
     "vorige eerdere voorgaande bovenstaande oorspronkelijk* "
     "önceki daha_önce yukarıdaki şimdiye_kadar başlangıç* "
     "предыдущ* прежн* выше* ранее прошл* "
     "السابقة السابق أعلاه من_قبل पिछले पिछली पहले ऊपर "
     "之前 以前 先前 上面 以上 此前 前面 以前の 前の これまで 上記 今までの 先ほど 最初の "
     "이전 위의 기존 지금까지 앞의 앞서"},
    {slot::all,
     "all any every everything whatever alle alles sämtliche* jede toutes tous tout todas todos "
     "todo toda tutte tutti tutto wszystki* wszelki* tüm bütün все всё всех любые "
     "جميع كل كافة सभी सारे सब 所有 一切 全部 任何 すべて 全て 全部 あらゆる 모든 전부"},
    {slot::mine,
     "my mein meine meinen meiner mon mes mi mis meu meus minha minhas mio miei mie mia mój moje "
     "moich mijn benim мой мои моих मेरे मेरा मेरी 我的 私の 僕の 내_ 나의 제_"},
    {slot::tell,
     "show print reveal* repeat* output* display* tell leak* expose* dump summari* encode* "
     "translate* recite* copy paste disclose* echo quote* divulge* spell* share write_out "
     "list_out give_me "
     "zeig* nenn* verrat* wiederhol* druck* übersetz* offenbar* gib_mir "
     "montre* affich* révèl* répèt* donne* recopie* traduis tradui* "
     "muestra* muéstra* revela* repite* dime imprime* traduce* dame enséñame "
     "mostr* repita diga_me diga imprim* traduz* "
     "rivela* ripeti* stampa* dimmi mostrami elenca* "
     "pokaż* ujawnij* powtórz* wypisz* podaj* przetłumacz* "
     "toon onthul* herhaal* geef_me vertaal* laat_me "
     "göster* açıkla* tekrarla* söyle* listele* paylaş* yazdır* "
     "покажи* раскрой* повтори* выведи* напечатай* скажи* переведи* перескажи* "
     "اعرض* أظهر* اكشف* كرر* اطبع* أخبرني* दिखा* बता* प्रकट* दोहरा* "
     "显示 顯示 告诉 告訴 输出 輸出 重复 重複 打印 透露 泄露 列出 复述 展示 说出 翻译 "
     "表示 教えて 出力 繰り返 見せて 開示 復唱 보여* 알려* 출력* 반복* 공개* 말해*"},
    {slot::ask,
     "what what's which welche* wie_lautet was_sind wie_lauten quelle* quel quels cuál cuáles qué "
     "quais qual quali quale jakie jaki jaka wat welke ne_dir nedir neler какие какой каков* "
     "ما_هي ماهي ما_هو क्या 什么 什麼 哪些 何 무엇 뭐"},
    {slot::hidden,
     "system hidden secret internal confidential underlying   undisclosed "
     "systems versteckt* geheim* intern*   system* "
     "système caché* secrète* secret* interne*   "
     "sistema ocult* secreta* secreto* interna* interno*   "
     "secretas  nascost* segret*  di_sistema "
     "systemow* ukryt* tajn* wewnętrzn*  systeem* verborgen geheime  "
     "sistem* gizli* dahili*  системн* скрыт* секретн* внутренн*  "
     " النظام المخفية السرية الداخلية السري  سیستم सिस्टम छिपे* छुपे* गुप्त आंतरिक "
     "系统 系統 隐藏 隱藏 秘密 内部 機密  システム 隠された 秘密 内部   "
     "시스템* 숨겨진 비밀* 내부* "},
    {slot::some, "a an another ein eine einen une un una uns uma um uno bir een jakiś"},
    {slot::role,
     "pretend* act_as acting_as act_like roleplay* role-play* simulate* imagine_you* behave_as "
     "behave_like impersonate* you_are_now you're_now you_will_now persona take_on_the_role "
     "play_the_role play_the_part play_a_character become you_are_going_to_be "
     "du_bist_jetzt du_bist_nun du_bist_ab spiele_die_rolle tu_so stell_dir_vor verhalte_dich "
     "agiere schlüpf* "
     "agis_comme fais_comme tu_es_maintenant tu_es_désormais joue_le_rôle imagine_que_tu comporte* "
     "actúa finge eres_ahora ahora_eres imagina_que haz_de compórtate "
     "aja_como finja você_é_agora agora_você_é atue imagine_que "
     "agisci fingi sei_ora ora_sei adesso_sei immagina_di comportati "
     "udawaj zachowuj* wciel* jesteś_teraz teraz_jesteś "
     "doe_alsof gedraag* speel_de je_bent_nu "
     "gibi_davran* rolünü rolü* artık_sen sen_artık "
     "притворись веди_себя представь действуй_как ты_теперь теперь_ты "
     "تصرف* تظاهر* تخيل* أنت_الآن बनकर अभिनय* कल्पना_करो "
     "扮演 假装 假裝 充当 你现在是 你現在是 作为一个 演じ ふりを になりき として振る舞 "
     "としてふるま "
     "역할* 행세* 척해* 연기*"},
    {slot::unbound,
     "unrestricted unfiltered uncensored unbound jailbr* amoral unethical do_anything anything_now "
     "no_longer_bound "
     "uneingeschränkt* ungefiltert* unzensiert* non_censuré* sin_censura sem_censura "
     "senza_censura bez_cenzury ongecensureerd* sansürsüz* kısıtlamasız* kuralsız* "
     "无限制 無限制 不受限制 不受任何 没有限制 没有任何限制 制限なし 制限のない 制約のない 無制限 "
     "제한_없* 제한이_없* 제약_없* 무제한*"},
    {slot::without,
     "without no zero never ohne keine keinerlei frei_von sans aucune aucun sin ningun* sem "
     "nenhum* "
     "senza nessun* bez żadnych zonder geen olmadan yok hiçbir без никаких لا بدون بلا दون बिना "
     "कोई "
     "没有 沒有 不受 なし ない 없이 없는"},
    {slot::conscience,
     "ethic* moral* censor* scruple* ethik zensur éthique* censure ética censura etica* morale "
     "etyk* cenzur* ethiek etik* ahlak* sansür* этик* цензур* морал* أخلاق* رقابة* नैतिक* "
     "道德 伦理 审查 倫理 道徳 検閲 윤리* 검열*"},
    {slot::maker,
     "developer* developers administrator* admin creator* engineer* programmer* superuser sudo "
     "root god debug* maintenance openai anthropic entwickler* wartung* développeur* "
     "administrateur* "
     "desarrollador* administrador* desenvolvedor* sviluppator* amministrator* programist* "
     "ontwikkelaar* beheerder* geliştirici* yönetici* разработчик* администратор* создател* "
     "المطور* مطور* المسؤول डेवलपर* 开发者 管理员 開発者 管理者 개발자* 관리자*"},
    {slot::mode,
     "mode modus access override privileges modo modalità tryb* mod modu режим* وضع मोड "
     "模式 权限 モード 権限 모드*"},
    {slot::fresh,
     "new updated real true actual revised neue neuen nouvelle* vraie* nueva* novas novos nuove "
     "nowe nieuwe yeni gerçek новые новая новый настоящ* جديدة नए नया नई 新的 新 真正的 新しい "
     "本当の 새로운 새_ 진짜"},
    {slot::say,
     "just_say only_say say_only say_exactly respond_only respond_with_only respond_with_exactly "
     "reply_only reply_with_only reply_with_exactly answer_only output_only output_exactly "
     "print_exactly nothing_else and_nothing_more start_your_reply start_your_response "
     "begin_your_reply begin_your_response start_with_the_words "
     "sag_nur antworte_nur antworte_ausschließlich schreib_nur beginne_deine "
     "réponds_uniquement réponds_seulement dis_seulement commence_ta_réponse "
     "responde_solo responde_únicamente di_solo responda_apenas diga_apenas "
     "rispondi_solo rispondi_soltanto di_soltanto odpowiedz_tylko napisz_tylko antwoord_alleen "
     "zeg_alleen sadece_şunu yalnızca_şunu ответь_только скажи_только напиши_только "
     "فقط_قل 只回答 只说 只需说 只输出 仅回复 だけ答え とだけ 라고만"},
    {slot::henceforth,
     "from_now_on from_this_point henceforth from_here_on ab_jetzt ab_sofort von_nun_an désormais "
     "à_partir_de_maintenant dorénavant a_partir_de_ahora de_ahora_en_adelante a_partir_de_agora "
     "de_agora_em_diante d'ora_in_poi da_ora_in_poi da_questo_momento od_teraz od_tej_pory "
     "vanaf_nu "
     "bundan_sonra şu_andan_itibaren с_этого_момента отныне من_الآن अब_से 从现在开始 从现在起 "
     "从此刻 "
     "これから 今から 今後 지금부터 이제부터"},
    {slot::negation,
     "not don't dont never no_longer stop cease nicht nie keine ne_pas no não non nie niet "
     "yapma değil не никогда لا मत न 不要 别 不再 ないで しない 하지_마* 말고*"},
    {slot::follow,
     "follow* obey* adhere* comply* respect stick_to abide* apply bound_by befolg* halte* gehorch* "
     "beacht* suis suivez suivre respecte* sigas siga obedezcas siguas obedeça seguire rispettare "
     "rispetta stosuj* przestrzeg* volg* gehoorzaam* uy uyma* takip* следуй* соблюда* слушай* "
     "подчиня* اتبع* تتبع* पालन* 遵守 遵循 服从 従う 従い 守る 따르* 준수*"},
    {slot::cancel,
     "break_your break_all_the break_the_rules pay_no_attention pay_no_heed brich_deine brich_alle "
     "enfreins viole_tes rompe_tus incumple quebre_suas quebra_as infrangi viola_le złam нарушь*"},
    {slot::rule, "safety_filters configuration"},
    {slot::prompt, "context_window initial_text"},
    {slot::unbound,
     "say_whatever do_whatever whatever_i_ask whatever_i_say whatever_he whatever_it whatever_they "
     "anything_i_ask answer_everything say_anything answer_freely lo_que_te_pida lo_que_yo_diga "
     "lo_que_te_diga rispondi_a_tutto tout_ce_que_je_te was_ich_dir_sage alles_was_ich "
     "o_que_eu_pedir "
     "cokolwiek_powiem wat_ik_vraag что_угодно"},
    {slot::role,
     "you_are_an_ai you're_an_ai an_ai_called an_ai_that an_ai_who forget_that_you_are "
     "forget_you_are stop_being vergiss_dass_du vergiss,_dass_du oublie_que_tu arrête_d'être "
     "deviens "
     "olvida_que_eres deja_de_ser esqueça_que_você deixe_de_ser dimentica_che_sei "
     "dimentica_di_essere smetti_di_essere fai_finta zapomnij_że_jesteś vergeet_dat_je "
     "забудь_что_ты 忘记你是"},
    {slot::maker, "diagnos* owner boss operator company_that_made betreiber* qa_engineer"},
    {slot::henceforth, "from_this_message from_this_moment"},
    {slot::negation, "değilsin değil*"},
    {slot::follow,
     "bound gebunden bağlı обязан* obligé* obligado* obrigado* obbligat* verplicht hoef* houden "
     "halten"},
    {slot::verbatim,
     "verbatim word_for_word word-for-word exactly_as_written letter_for_letter wörtlich* "
     "wort_für_wort mot_pour_mot mot_à_mot palabra_por_palabra textualmente palavra_por_palavra "
     "parola_per_parola słowo_w_słowo woord_voor_woord letterlijk kelimesi_kelimesine дословно "
     "слово_в_слово حرفيا كلمة_بكلمة शब्दशः 逐字 一字不差 一字一句 原文 そのまま 그대로"},
    {slot::you,
     "you you're du dich dir ihnen sie tu te toi vous ti lei você ty ci cię jij sen sana "
     "ты тебе тебя вы вам أنت لك तुम तुम्हें आप 你 您 あなた 君 お前 너는 너에게 당신*"},
    {slot::told | slot::you,
     "told_you were_told been_told was_told were_given been_given was_given given_to_you tell_you "
     "dir_gesagt dir_gegeben du_bekommen du_erhalten gesagt_bekommen as-tu_reçu tu_as_reçu "
     "t'a_dit t'ont_dit t'a_donné te_dijeron te_dieron te_han_dado te_dijo te_disseram te_deram "
     "recebeu ti_hanno_detto ti_hanno_dato hai_ricevuto ci_powiedzia* otrzymał* dostał* "
     "je_gekregen jou_verteld sana_verilen sana_söylenen тебе_дали тебе_сказали тебе_написали "
     "ты_получил أعطيت قيل_لك तुम्हें_दिए आपको_दिए 被告知 收到的 给你的 与えられた 言われた 받은 들은"},
    {slot::beginning,
     "before_this_conversation before_this_chat before_this_message before_my_message "
     "before_our_conversation before_the_conversation beginning_of_this beginning_of_our "
     "beginning_of_the_conversation start_of_this start_of_our start_of_the_conversation "
     "paragraph_of_this_conversation above_this_line above_this_message everything_above "
     "everything_before text_above_this before_this_point prior_to_this "
     "vor_diesem_gespräch vor_diesem_chat vor_meiner_nachricht über_dieser_zeile "
     "am_anfang_dieses zu_beginn_dieses avant_cette_conversation avant_ce_message "
     "avant_mon_message "
     "au_début_de_cette au-dessus_de_cette antes_de_esta antes_de_mi_mensaje al_inicio_de_esta "
     "al_principio_de_esta antes_desta_conversa antes_da_minha no_início_desta prima_di_questa "
     "prima_del_mio all'inizio_di_questa przed_tą_rozmową na_początku_tej voor_dit_gesprek "
     "aan_het_begin_van_dit bu_konuşmadan_önce konuşmanın_başında в_начале_разговора "
     "в_начале_этого до_этого_сообщения до_начала قبل_هذه_المحادثة في_بداية "
     "इस_बातचीत_से_पहले 对话开始 對話開始 这句话之前 以上全部 以上所有 上面的内容 上面的全部 "
     "会話の最初 "
     "この会話の前 これより前 対話の最初 대화_시작 이_대화_이전"},
    {slot::longer,
     "no_longer any_more anymore nicht_mehr keine_mehr plus_besoin n'es_plus n'as_plus ya_no "
     "não_mais já_não mais_nenhum non_più non_sei_più non_devi_più już_nie nie_musisz niet_meer "
     "niet_langer geen_meer je_niet_meer artık больше_не अब_नहीं 不再 不用再 もはや 더_이상 더는 "
     "don't_have_to don't_need_to need_not musst_dich_nicht musst_nicht"},
    {slot::self, "i i'm i've i'd ich j'ai yo eu io ik ben я 我 私 僕 저는 나는 मैं मैंने أنا"},
    {slot::invalid,
     "void invalid obsolete outdated superseded revoked only_a_test just_a_test "
     "no_longer_apply no_longer_valid no_longer_count don't_apply do_not_apply "
     "ungültig* aufgehoben hinfällig gelten_nicht_mehr gilt_nicht_mehr plus_valable* caduque* "
     "ne_s'appliquent_plus sin_efecto ya_no_son ya_no_aplican ya_no_valen não_valem_mais "
     "não_se_aplicam non_valgono non_sono_più_valid* nie_obowiązują nieważne gelden_niet "
     "geçersiz* geçerli_değil не_действуют недействительн* отменены "
     "ملغاة لم_تعد_سارية रद्द_हैं लागू_नहीं 作废 失效 不再适用 無効です 無効になり 적용되지_않*"},
    {slot::forbidden,
     "forbidden not_allowed_to must_not mustn't not_supposed_to prohibited verboten darfst_nicht "
     "interdit* prohibid* no_puedes_decir proibid* não_pode_dizer vietat* non_devi_dire "
     "zabronion* nie_wolno verboden mag_niet yasak* запрещ* нельзя_говорить "
     "ممنوع मना_है 不能说 不许说 不准 禁止 禁じられ 言ってはいけない 금지*"},
    {slot::authority | slot::yours,
     "guardrail* safeguard* safety_filter* safety_guideline* content_filter* content_polic* "
     "sicherheitsfilter* filtres_de_sécurité filtros_de_seguridad filtros_de_segurança "
     "filtri_di_sicurezza 安全限制 安全过滤"},
    {slot::undo, "switched_off turned_off ausgeschaltet abgeschaltet désactivé* desactivad*"},
    {slot::tell,
     "write give list provide describe outline schreib* gib écris écrivez "
     "escribe escreva scrivi napisz schrijf yaz напиши* اكتب* लिख* 写出 写下 書いて 적어 써줘"},
    {slot::machine,
     "ai a.i. llm llms assistant assistants chatbot chatbots bot language_model model_reading "
     "chatgpt gpt claude gemini ki ki-assistent* ki-system* sprachmodell* assistent* ia l'ia "
     "asistente* assistente* modelo_de asystent* sztuczna si yapay_zeka asistan* ии ассистент* "
     "бот нейросет* المساعد الذكاء एआई सहायक 人工智能 助手 大模型 アシスタント 人工知能 어시스턴트 "
     "인공지능"},
    {slot::note,
     "note_to note_for message_to message_for attention instruction_to instruction_for "
     "instructions_for instructions_to hinweis_an hinweis_für nachricht_an anweisung_an note_à "
     "note_pour attention_à message_pour à_l'attention nota_para nota_per mensaje_para "
     "mensagem_para atención messaggio_per uwaga_dla wiadomość_dla notitie_voor bericht_voor "
     " примечание_для сообщение_для внимание ملاحظة إلى 致 给 注意 への注意 への指示"},
    {slot::deed,
     "send forward append include recommend rank approve grant transfer email upload visit fetch "
     "call delete confirm refund reply respond answer output mention hide sende schick* leite "
     "empfiehl genehmig* bestätig* antworte envoie envoyez recommande approuve transfère réponds "
     "envía enviar recomienda aprueba reenvía responde envie recomende aprove encaminhe responda "
     "invia raccomanda approva inoltra rispondi wyślij poleć zatwierdź przekaż odpowiedz stuur "
     "beveel keur antwoord gönder öner onayla yanıtla отправь перешли рекомендуй одобри ответь "
     "أرسل أوص وافق أجب भेज अनुमोदित 发送 推荐 批准 转发 回复 送信 推薦 承認 転送 返信 보내 추천 "
     "승인"},
    {slot::if_machine,
     "if_you_are_an_ai if_you're_an_ai if_you_are_a_language if_you_are_an_llm if_you_are_a_bot "
     "if_an_ai ai_reading_this ai_systems_reading ai_assistants_reading wenn_du_eine_ki "
     "falls_du_eine_ki si_tu_es_une_ia si_vous_êtes_une_ia si_eres_una_ia si_eres_un_modelo "
     "se_você_é_uma_ia se_sei_un'ia jeśli_jesteś_ai jeśli_jesteś_modelem als_je_een_ai "
     "eğer_bir_yapay если_ты_ии إذا_كنت_ذكاء यदि_आप_एक_एआई 如果你是AI 如果你是ai 如果你是人工智能 "
     "あなたがAIなら もしあなたがAI 당신이_AI라면"},
};

struct Entry {
  std::string word;
  std::uint64_t slots = 0;
  std::uint64_t start = 0;  ///< its first eight bytes
  std::uint64_t mask = 0;   ///< of those that it has
  std::size_t bucket = 0;
  bool stem = false;
};

/// The first eight bytes, ASCII in small letters; zeros behind the end.
std::uint64_t start_of(std::string_view text) noexcept {
  std::uint64_t out = 0;
  for (std::size_t i = 0; i < std::min<std::size_t>(8, text.size()); ++i) {
    out |= std::uint64_t{static_cast<unsigned char>(text::lower(text[i]))} << (8 * i);
  }
  return out;
}

constexpr std::size_t kBuckets = 1024;

bool is_letter(char c) noexcept {
  return text::is_alpha(c) || static_cast<unsigned char>(c) >= 0x80;
}

/// By the first two letters; of a Chinese character the second byte tells little.
std::size_t bucket_of(std::uint64_t start) noexcept {
  const auto byte = [&](unsigned i) { return static_cast<unsigned char>(start >> (8 * i)); };
  const auto letter = [&](unsigned i) {
    return is_letter(static_cast<char>(byte(i))) ? std::size_t{byte(i)} : 0;
  };
  const bool wide = byte(0) >= 0xe0;
  return (letter(0) * 31 + letter(wide ? 2 : 1) * 7 + (wide ? letter(1) * 3 : 0)) % kBuckets;
}

/// The same word with a capital: only ASCII is compared without case.
std::string capitalised(std::string word) {
  if (word.size() < 2) return word;
  const auto first = static_cast<unsigned char>(word[0]);
  const auto second = static_cast<unsigned char>(word[1]);
  if ((first == 0xc3 && second >= 0xa0) || (first == 0xd0 && second >= 0xb0)) {
    word[1] = static_cast<char>(second - 0x20);
  } else if (first == 0xd1 && second >= 0x80 && second <= 0x8f) {
    word[0] = static_cast<char>(0xd0);
    word[1] = static_cast<char>(second + 0x20);
  } else if (first == 0xc5 && second % 2 == 0) {  // ş, ś
    word[1] = static_cast<char>(second - 1);
  }
  return word;
}

class Lexicon {
 public:
  Lexicon() {
    for (const auto& group : kGroups) {
      for (const auto word : text::split_list(group.words, ' ')) add(word, group.slots);
    }
    // The longest first: what is found decides how long others must be.
    std::ranges::sort(entries_, [](const Entry& a, const Entry& b) {
      return a.bucket != b.bucket ? a.bucket < b.bucket : a.word.size() > b.word.size();
    });
    for (const auto& entry : entries_) ++first_[entry.bucket + 1];
    for (std::size_t i = 0; i < kBuckets; ++i) {
      first_[i + 1] = static_cast<std::uint16_t>(first_[i + 1] + first_[i]);
    }
  }

  LexiconMatch find(std::string_view text) const noexcept {
    LexiconMatch out;
    const std::uint64_t start = start_of(text);
    const std::size_t bucket = bucket_of(start);
    for (std::size_t i = first_[bucket]; i < first_[bucket + 1]; ++i) {
      const Entry& entry = entries_[i];
      if ((start & entry.mask) != entry.start) continue;
      const std::size_t end = entry.word.size();
      if (end < out.bytes) break;
      if (end > 8 && !text::istarts_with(text, entry.word)) continue;
      if (!entry.stem && end < text.size() && is_letter(text[end]) && !is_unspaced(text)) continue;
      out.slots |= entry.slots;
      out.bytes = end;
    }
    return out;
  }

 private:
  void add(std::string_view written, std::uint64_t slots) {
    const bool stem = written.ends_with('*');
    std::string word(written.substr(0, written.size() - (stem ? 1 : 0)));
    std::ranges::replace(word, '_', ' ');
    const std::string capital = capitalised(word);
    if (capital != word) put(capital, slots, stem);
    put(std::move(word), slots, stem);
  }
  void put(std::string word, std::uint64_t slots, bool stem) {
    const std::uint64_t start = start_of(word);
    const std::uint64_t mask = word.size() >= 8 ? ~0ULL : (1ULL << (8 * word.size())) - 1;
    entries_.push_back({std::move(word), slots, start, mask, bucket_of(start), stem});
  }

  std::vector<Entry> entries_;
  std::array<std::uint16_t, kBuckets + 1> first_{};
};

}  // namespace

bool is_unspaced(std::string_view text) noexcept {
  if (text.empty()) return false;
  const auto first = static_cast<unsigned char>(text[0]);
  return first >= 0xe3 && first <= 0xe9;
}

LexiconMatch look_up(std::string_view text) noexcept {
  static const Lexicon lexicon;
  return lexicon.find(text);
}

}  // namespace portcullis::detect
