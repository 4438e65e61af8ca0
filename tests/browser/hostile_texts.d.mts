export const hostileTexts: string[];
export const allowedElements: Record<string, string[]>;
